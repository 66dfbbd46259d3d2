"""The command line: parses, calls, prints. No logic."""

import importlib
import signal
import sys

import typer

from sna.errors import SnaError

app = typer.Typer(
    name="sna",
    help="Strategic needs assessments of serious violence, one London borough at a time.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)

for _noun in ("data", "definition", "reports"):
    importlib.import_module(f"sna.cli.{_noun}").add_commands(app)


def main() -> None:
    """Run the command line; an `SnaError` becomes its four-part message and its exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a stop tidies up as Ctrl-C does
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    try:
        app()
    except (SnaError, OSError) as error:
        ours = SnaError.of(error)
        typer.echo(f"{type(ours).__name__}: {ours}", err=True)
        raise SystemExit(ours.exit_code) from None
    except KeyboardInterrupt:
        typer.echo("Interrupted. What was finished is kept.", err=True)
        raise SystemExit(130) from None
