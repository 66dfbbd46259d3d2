"""The command line: parses, calls, prints. No logic."""

import importlib
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

for _noun in ("data", "files", "definition", "reports", "checks"):
    importlib.import_module(f"sna.cli.{_noun}").add_commands(app)


def main() -> None:
    """Run the command line; an `SnaError` becomes its four-part message and its exit code."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    try:
        app()
    except SnaError as error:
        typer.echo(f"{type(error).__name__}: {error}", err=True)
        raise SystemExit(error.exit_code) from None
    except OSError as error:
        where = f"\n  where: {error.filename}" if error.filename else ""
        typer.echo(f"The disk said no: {error.strerror or error}.{where}", err=True)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        typer.echo("Interrupted. What was finished is kept.", err=True)
        raise SystemExit(130) from None
