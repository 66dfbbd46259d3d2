"""Commands: report, place, verify, init."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from sna.errors import UsageError

Boroughs = Annotated[list[str] | None, typer.Argument(help="Borough names or codes, e.g. Hackney.")]
To = Annotated[str, typer.Option(help="Last month, e.g. 2025-03.")]
Edition = Annotated[str, typer.Option(help="public, partner, or both with a comma.")]
Profile = Annotated[str, typer.Option(help="Profile of the definition.")]
Store = Annotated[Path | None, typer.Option(help="Folder of the store.")]
Reports = Annotated[Path | None, typer.Option(help="Folder for the reports.")]


def report(
    boroughs: Boroughs = None,
    everyone: Annotated[bool, typer.Option("--all", help="Every borough.")] = False,
    to: To = "",
    edition: Edition = "",
    profile: Profile = "",
    only: Annotated[str, typer.Option(help="Some reports only, e.g. trend,hotspots.")] = "",
    processed: Store = None,
    reports: Reports = None,
    workers: Annotated[int, typer.Option(min=0, help="Boroughs at a time; 0: two a core.")] = 0,
    scheduler: Annotated[str, typer.Option(help="Dask: an address, or local.")] = "",
    resume: Annotated[bool, typer.Option("--resume", help="Skip what has not changed.")] = False,
    allow_partial: Annotated[
        bool, typer.Option("--allow-partial", help="Report though rows are lacking.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan only.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show the end only.")] = False,
) -> None:
    """Run notebooks and publish their pages under reports/BOROUGH/EDITION.

    A borough that fails leaves its last good reports in place; the others go on.
    """
    from sna.batch import plan_jobs, run_reports
    from sna.settings import read_settings

    if bool(boroughs) == everyone:
        what = "Name boroughs, or all of them, not both." if everyone else "No borough is named."
        raise UsageError(what, where="sna report", do="Write sna report Hackney, or --all.")
    settings = read_settings()
    jobs = plan_jobs(
        boroughs or (),
        settings,
        to=to,
        edition=edition,
        profile=profile,
        only=only,
        processed=processed,
        reports=reports,
    )
    if allow_partial:
        jobs = [replace(job, command=f"{job.command} --allow-partial") for job in jobs]
    if dry_run:
        typer.echo("\n".join(f"{job.name}: {', '.join(job.notebooks)}" for job in jobs))
        return
    _, code = run_reports(
        jobs,
        settings,
        workers=workers,
        scheduler=scheduler,
        resume=resume,
        allow_partial=allow_partial,
        quiet=quiet,
        everyone=everyone,
    )
    raise typer.Exit(code)


def place(
    area: Annotated[str, typer.Argument(help="Code or name of a ward or LSOA.")],
    to: To = "",
    edition: Annotated[str, typer.Option(help="public or partner.")] = "public",
    profile: Profile = "",
    processed: Store = None,
    reports: Reports = None,
) -> None:
    """Write the problem profile of one ward or LSOA."""
    from sna.reporting.place import render_place

    page = render_place(
        area,
        end_month=to,
        edition=edition,
        profile=profile,
        processed=processed,
        reports=reports,
    )
    typer.echo(str(page))


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


def init(
    folder: Annotated[Path, typer.Argument(help="Folder to write it into.")] = Path(),
) -> None:
    """Write a commented settings file, sna.toml."""
    from sna.settings import init_settings

    file = init_settings(folder)
    typer.echo(f"Wrote {file}. Every line is commented out: switch on what you need.")


def add_commands(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    for command in (report, place, verify, init):
        app.command()(command)
