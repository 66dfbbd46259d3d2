"""Run the command line as ``python -m sna``."""

from sna.cli import main

main()
