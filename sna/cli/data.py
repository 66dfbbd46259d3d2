"""Commands: sample, check, build, fetch, mapping."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sna.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd


def add_commands(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    app.command("sample")(sample)
    app.command("check")(check)
    app.command("build")(build)
    mapping = typer.Typer(help="Mappings of record extracts.", no_args_is_help=True)
    mapping.command("new")(new_mapping)
    app.add_typer(mapping, name="mapping")
    app.command()(fetch)


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
    size: dict[str, Any] = {"months": months, "end_month": to, "scale": scale}
    tell = partial(typer.echo, err=True)
    answers = write_sample(out, seed=seed, boroughs=chosen, progress=tell, **size)
    typer.echo(f"Simulated data: {answers['offences']:,} offences in {out / FOLDER}")


_RAW = Annotated[Path | None, typer.Option(help="Raw folder; default as in sna.toml, data/raw.")]


def check(
    raw: Annotated[Path | None, typer.Argument(help="Raw folder; default data/raw.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print findings as JSON.")] = False,
) -> None:
    """Say what each file is, what is wrong with it, and what the folder can support.

    Ends with exit code 3 when a file cannot be read, is nearly a table that is known, or too many
    of its rows are rejected; a table of another kind is named and not used.
    """
    from sna.build import check_folder
    from sna.settings import read_settings

    settings = read_settings()
    with _progress() as step:
        summary = check_folder(
            raw or settings.folder("raw"),
            progress=step,
            unmatched_share=settings.build.unmatched_share,
        )
    if as_json:
        typer.echo(summary.findings.to_json(orient="records", indent=1))
    else:
        _print_inputs(summary.inputs)
        _print_findings(summary.findings)
        typer.echo("\n".join(summary.supports))
    if summary.findings["severity"].eq("error").any():
        raise typer.Exit(3)


def build(
    raw: _RAW = None,
    processed: Annotated[Path | None, typer.Option(help="Store; default data/processed.")] = None,
    profile: Annotated[str, typer.Option(help="Definition of serious violence.")] = "london_2023",
    fresh: Annotated[bool, typer.Option("--fresh", help="Read every file again.")] = False,
    scheduler: Annotated[str, typer.Option(help="Dask: an address, or local.")] = "",
) -> None:
    """Read every file in the raw folder into the store of processed tables."""
    from sna.build import build as build_store
    from sna.settings import read_settings

    settings = read_settings()
    share = settings.build.unmatched_share
    raw = raw or settings.folder("raw")
    processed = processed or settings.folder("processed")
    with _progress() as step:
        how: dict[str, Any] = {"profile": profile, "fresh": fresh, "scheduler": scheduler}
        summary = build_store(raw, processed, unmatched_share=share, progress=step, **how)
    _print_inputs(summary.inputs)
    findings = summary.findings  # what changed is told of the folder, the rest of its file
    _print_findings(findings[findings["severity"].ne("information") | findings["file"].eq("")])
    typer.echo(summary.said)
    if summary.partial:
        named, others = summary.partial[:5], len(summary.partial[5:])
        names = ", ".join(named) + (f" and {others} more" if others else "")
        text = f"More than {share:.0%} of rows are rejected in: {names}."
        typer.echo(f"{text} The rest is loaded; reports need --allow-partial.", err=True)
        raise typer.Exit(3)


def new_mapping(
    file: Annotated[Path, typer.Argument(help="The record extract (csv, xlsx, ods, parquet).")],
    out: Annotated[Path | None, typer.Option(help="Where; default beside the file.")] = None,
) -> None:
    """Propose a mapping by looking at the file. Check every line of it before you build."""
    from sna.sources.files import RawFile
    from sna.sources.mapping import propose_mapping
    from sna.sources.text import sample_file

    target = out or file.with_name(f"{file.stem}.mapping.toml")
    if not file.is_file():
        what, do = "There is no such file.", "Name the extract with its folder."
        raise UsageError(what, where="sna mapping new", found=str(file), do=do)
    if target.exists():
        do = "Name another file with --out."
        raise UsageError("There is a mapping already.", where=str(target), do=do)
    sample = sample_file(RawFile(file.name, file))[0]
    if sample.kind == "vector" or len(sample.columns) < 2 or not len(sample.rows):
        what, do = "The file holds no table of records.", "Name a table with headings and rows."
        raise UsageError(what, where=str(file), found=", ".join(sample.columns), do=do)
    target.write_text(propose_mapping(sample), encoding="utf-8")
    typer.echo(f"Wrote {target}. State release_class and every blank_means, then run: sna check")


def fetch(
    names: Annotated[list[str] | None, typer.Argument(help="Downloads; none lists them.")] = None,
    month: Annotated[str, typer.Option(help="Month of a monthly archive, YYYY-MM.")] = "",
    raw: Annotated[Path, typer.Option(help="Raw folder.")] = Path("data/raw"),
    work: Annotated[Path, typer.Option(help="For parts; same disk.")] = Path("data/.downloads"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done.")] = False,
) -> None:
    """Download open files into the raw folder: resumed, checked, whole or not at all."""
    from rich.progress import Progress

    from sna import definitions
    from sna.sources.fetch import fetch as fetch_file
    from sna.sources.fetch import plan_downloads

    known = definitions.downloads()
    for row in () if names else known.itertuples():
        typer.echo(f"{row.download_id:22} {row.title} ({row.licence})")
    for download in plan_downloads(known, tuple(names or ()), month=month):
        target = raw / download["file_name"]
        if dry_run:
            typer.echo(f"would download {download['address']} to {target}")
            continue
        with Progress() as bars:
            bar = bars.add_task(download["title"], total=None)

            def show(done: int, total: int) -> None:
                bars.update(bar, completed=done, total=total if total >= 0 else None)  # noqa: B023

            path = fetch_file(download["address"], target, work=work, progress=show)
        typer.echo(f"wrote {path}")


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """Show a bar while files are read; nothing when the output is not a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("reading", total=None)
        yield lambda text, done, total: bar.update(
            task, description=text[-48:], completed=done, total=total
        )


def _print_inputs(inputs: list[dict[str, Any]]) -> None:
    """Print one row a file; files that differ only in the month of their name share a row."""
    import pandas as pd
    from rich.console import Console
    from rich.table import Table

    table = Table("File", "Layout", "Months", box=None, pad_edge=False)
    table.columns[0].overflow = "fold"
    for heading in ("Boroughs", "Rows", "Used", "Rejected"):
        table.add_column(heading, justify="right")
    files = pd.DataFrame(inputs)
    files["layout"] = files["variant"].where(files["variant"] != "", files["title"])
    files["alike"] = files["file"].str.replace(r"\d{4}-\d{2}", "*", regex=True)
    for (name, layout), group in files.groupby(["alike", "layout"], sort=False):
        label = f"{name} ({len(group)} files)" if len(group) > 1 else group["file"].iloc[0]
        months = sorted({*group["first_month"].dropna(), *group["last_month"].dropna()})
        period = f"{months[0]} to {months[-1]}" if months else ""
        sums = [f"{group[column].sum():,}" for column in ("rows", "rows_used", "rows_rejected")]
        boroughs = str(group["boroughs"].max() or "")  # where its events were placed
        table.add_row(label, str(layout or "not recognised"), period, boroughs, *sums)
    console = Console()
    Console(width=console.width if console.is_terminal else 180).print(table)


def _print_findings(findings: "pd.DataFrame") -> None:
    for row in findings.astype("object").fillna("").to_dict("records"):
        act = f" -> {row['action']}" if row["action"] else ""
        rows = f" (rows: {row['rows']:,})" if row["rows"] else ""
        typer.echo(f"{row['severity']}: {row['file'] or 'folder'}: {row['finding']}{rows}{act}")
