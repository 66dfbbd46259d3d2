"""Commands: sample, check, build, fetch, mapping."""

from pathlib import Path
from typing import Annotated

import typer


def add_commands(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    app.command("sample")(sample)


def sample(
    out: Annotated[Path, typer.Option(help="Raw folder; `simulated` is made in it.")] = Path(
        "data/raw"
    ),
    seed: Annotated[int, typer.Option(help="The same seed gives the same files.")] = 2025,
    boroughs: Annotated[
        str, typer.Option(help="Names or codes with commas between; empty for all 33.")
    ] = "",
    months: Annotated[int, typer.Option(help="How many months.")] = 60,
    to: Annotated[str, typer.Option(help="Last month, as 2025-03.")] = "2025-03",
    scale: Annotated[float, typer.Option(help="Share of London's real size.")] = 1.0,
) -> None:
    """Write a simulated London as raw files, with the planted answers in truth.json."""
    from sna.sample import FOLDER, write_sample

    chosen = [name.strip() for name in boroughs.split(",") if name.strip()]
    answers = write_sample(
        out, seed=seed, boroughs=chosen, months=months, end_month=to, scale=scale,
        progress=lambda line: typer.echo(line, err=True),
    )  # fmt: skip
    typer.echo(f"Simulated data: {answers['offences']:,} offences in {out / FOLDER}")
