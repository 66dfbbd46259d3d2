"""Commands: report, place, verify, init."""

from pathlib import Path
from typing import Annotated

import typer

from sna.errors import SnaError, UsageError

Boroughs = Annotated[list[str] | None, typer.Argument(help="Borough names or codes, e.g. Hackney.")]


def report(
    boroughs: Boroughs = None,
    to: Annotated[str, typer.Option(help="Last month, e.g. 2025-03.")] = "",
    edition: Annotated[str, typer.Option(help="public or partner.")] = "public",
    profile: Annotated[str, typer.Option(help="Profile of the definition.")] = "london_2023",
    only: Annotated[str, typer.Option(help="Some reports only, e.g. trend,hotspots.")] = "",
    processed: Annotated[Path | None, typer.Option(help="Folder of the store.")] = None,
    reports: Annotated[Path, typer.Option(help="Folder for the reports.")] = Path("reports"),
) -> None:
    """Run a borough's notebooks and publish their pages under reports/BOROUGH/EDITION.

    A borough that fails leaves its last good reports in place; the others go on.
    """
    from sna.reporting.borough import render_borough
    from sna.reporting.notebooks import choose_notebooks

    if not boroughs:
        raise UsageError(
            "No borough is named.", where="sna report", do="Name one: sna report Hackney."
        )
    chosen, failed = choose_notebooks(only), []
    for borough in boroughs:
        try:
            folder = render_borough(
                borough, notebooks=chosen, end_month=to, edition=edition, profile=profile,
                processed=processed, reports=reports,
            )  # fmt: skip
            typer.echo(f"{borough}: {folder / 'index.html'}")
        except SnaError as error:
            failed.append(error)
            typer.echo(f"{borough}: {type(error).__name__}: {error}", err=True)
    if failed:
        raise typer.Exit(max(error.exit_code for error in failed))


def add_commands(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    app.command()(report)
