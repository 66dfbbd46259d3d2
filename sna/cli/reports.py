"""Commands: report, place, verify, init."""

from pathlib import Path
from typing import Annotated

import typer

from sna.errors import UsageError

Boroughs = Annotated[list[str] | None, typer.Argument(help="Borough names or codes, e.g. Hackney.")]


def report(  # every argument is one choice of the command line
    boroughs: Boroughs = None,
    everyone: Annotated[bool, typer.Option("--all", help="Every borough.")] = False,
    to: Annotated[str, typer.Option(help="Last month, e.g. 2025-03.")] = "",
    edition: Annotated[str, typer.Option(help="public, partner, or both with a comma.")] = "",
    profile: Annotated[str, typer.Option(help="Profile of the definition.")] = "",
    only: Annotated[str, typer.Option(help="Some reports only, e.g. trend,hotspots.")] = "",
    processed: Annotated[Path | None, typer.Option(help="Folder of the store.")] = None,
    reports: Annotated[Path | None, typer.Option(help="Folder for the reports.")] = None,
    workers: Annotated[int, typer.Option(help="Boroughs at a time; 0: two a core.")] = 0,
    scheduler: Annotated[str, typer.Option(help="Dask: an address, or local.")] = "",
    resume: Annotated[bool, typer.Option("--resume", help="Skip what has not changed.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan only.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show the end only.")] = False,
) -> None:
    """Run notebooks and publish their pages under reports/BOROUGH/EDITION.

    A borough that fails leaves its last good reports in place; the others go on.
    """
    from sna.batch import plan_jobs, run_reports
    from sna.reporting.london import render_london
    from sna.reporting.notebooks import choose_notebooks
    from sna.settings import read_settings

    if bool(boroughs) == everyone:
        raise UsageError(
            "Name boroughs, or all of them, not both." if boroughs else "No borough is named.",
            where="sna report", do="Write sna report Hackney, or sna report --all.",
        )  # fmt: skip
    settings = read_settings()
    jobs = plan_jobs(
        boroughs or (), settings, end_month=to, profile=profile, notebooks=choose_notebooks(only),
        editions=[word.strip() for word in edition.split(",") if word.strip()],
        processed=processed, reports=reports,
    )  # fmt: skip
    if dry_run:
        for job in jobs:
            typer.echo(f"{job.name}: {', '.join(job.notebooks)}")
        return
    _, code = run_reports(
        jobs, settings, workers=workers, scheduler=scheduler, resume=resume, quiet=quiet
    )
    for name in sorted({job.edition for job in jobs}):
        render_london(Path(jobs[0].reports), name)
    if code:
        raise typer.Exit(code)


def place(
    area: Annotated[str, typer.Argument(help="Code or name of a ward or LSOA.")],
    to: Annotated[str, typer.Option(help="Last month, e.g. 2025-03.")] = "",
    edition: Annotated[str, typer.Option(help="public or partner.")] = "public",
    profile: Annotated[str, typer.Option(help="Profile of the definition.")] = "london_2023",
    processed: Annotated[Path | None, typer.Option(help="Folder of the store.")] = None,
    reports: Annotated[Path, typer.Option(help="Folder for the reports.")] = Path("reports"),
) -> None:
    """Write the problem profile of one ward or LSOA."""
    from sna.reporting.place import render_place

    made = render_place(area, end_month=to, edition=edition, profile=profile,
                        processed=processed, reports=reports)  # fmt: skip
    typer.echo(str(made))


def add_commands(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    app.command()(report)
    app.command()(place)
