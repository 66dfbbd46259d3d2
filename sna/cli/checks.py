"""Commands: init, verify."""

from pathlib import Path
from typing import Annotated

import typer


def init(
    folder: Annotated[Path, typer.Argument(help="Folder to write it into.")] = Path(),
) -> None:
    """Write a commented settings file, sna.toml."""
    from sna.settings import init_settings

    typer.echo(
        f"Wrote {init_settings(folder)}. Every line is commented out: switch on what you need."
    )


def add_commands(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    app.command()(init)
