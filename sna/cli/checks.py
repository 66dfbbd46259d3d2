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


def verify(
    folder: Annotated[Path, typer.Argument(help="Folder of reports, or one file.")],
    canary: Annotated[
        list[str] | None, typer.Option(help="A value planted in the input; may be repeated.")
    ] = None,
) -> None:
    """Scan what is to be shared: leaks end with exit code 4, faults of pages with 5."""
    from sna.reporting.verify import verify_reports

    number = verify_reports(folder, canaries=canary or [])
    typer.echo(f"{number} files scanned: no leak of a known kind, no fault on a page.")


def add_commands(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    app.command()(init)
    app.command()(verify)
