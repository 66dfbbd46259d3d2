"""Commands: fetch, mapping new."""

from pathlib import Path
from typing import Annotated

import typer

from sna.errors import UsageError

Folder = Annotated[Path, typer.Option(help="Raw folder.")]
Out = Annotated[Path | None, typer.Option(help="Where to write; default beside the file.")]


def add_commands(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    mapping = typer.Typer(help="Mappings of record extracts.", no_args_is_help=True)
    mapping.command("new")(new_mapping)
    app.add_typer(mapping, name="mapping")
    app.command()(fetch)


def new_mapping(
    file: Annotated[Path, typer.Argument(help="The record extract (csv, xlsx, ods, parquet).")],
    out: Out = None,
) -> None:
    """Propose a mapping by looking at the file. Check every line of it before you build."""
    from sna.sources.files import RawFile
    from sna.sources.mapping_proposal import propose_mapping
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
    raw: Folder = Path("data/raw"),
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
