"""Commands: classify, explain, profiles."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sna.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

Profile = Annotated[str, typer.Option(help="Id of a profile, or the path of its TOML file.")]


def add_commands(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    app.command()(classify)
    app.command()(explain)
    profiles = typer.Typer(help="Versions of the definition.", invoke_without_command=True)
    profiles.callback()(list_profiles)
    profiles.command("compare")(compare)
    app.add_typer(profiles, name="profiles")


def _read(file: Path, mapping: str) -> "tuple[pd.DataFrame, pd.DataFrame | None, str, int]":
    """Read an extract through its mapping; return offences, people, heading of the id, rejects."""
    import pandas as pd

    from sna.sources.extract import read_extract
    from sna.sources.files import RawFile
    from sna.sources.mapping import read_mapping
    from sna.sources.text import sample_file

    if not file.is_file():
        do = "Give the path of the extract; blanks in it need quotes."
        raise UsageError("There is no such file.", where="FILE", found=str(file), do=do)
    shape = read_mapping(mapping)
    beside = file.parent / shape.people.file if shape.people else None
    people = sample_file(RawFile(beside.name, beside))[0] if beside else None
    sample = sample_file(RawFile(file.name, file))[0]
    today = pd.Timestamp.today().normalize()
    results = read_extract(sample, shape, today=today, people=people)
    parts = [result.tables["people"] for result in results if "people" in result.tables]
    everyone = pd.concat(parts, ignore_index=True) if parts else None
    read = results[0]
    for found in (found for result in results for found in result.findings):
        if found["severity"] != "information":
            typer.echo(f"{found['finding']} ({found['rows'] or 0:,} rows)", err=True)
    lost = pd.concat([result.rejects for result in results]).groupby("reason")["rows"].sum()
    for reason, rows in lost.items():
        typer.echo(f"{rows:,} rows were not used: {reason}.", err=True)
    return read.tables["offences"], everyone, shape.columns["crime_ref"], int(lost.sum())


def classify(
    file: Annotated[Path, typer.Argument(help="The record extract.")],
    mapping: Annotated[str, typer.Option(help="Its mapping: a TOML file, or a shipped name.")],
    out: Annotated[
        Path | None, typer.Option(help="CSV to write; beside the extract without it.")
    ] = None,
    profile: Profile = "london_2023",
    scheduler: Annotated[str, typer.Option(help="Dask: an address, or local (Parquet only).")] = "",
) -> None:
    """Classify one record extract; write each record's band, print the waterfall."""
    import pandas as pd

    from sna.build.extracts import classify_in_parts
    from sna.classify import classify_offences, count_waterfall
    from sna.definitions import read_profile
    from sna.sources.mapping import read_mapping

    text, out = read_profile(profile), out or file.with_name(f"{file.stem}_bands.csv")
    _check_out(out, file)
    if scheduler:
        shape, name = read_mapping(mapping), read_mapping(mapping).columns["crime_ref"]
        answer, steps, rejected = classify_in_parts(
            file.resolve(), shape, profile=profile, scheduler=scheduler
        )
    else:
        offences, people, name, rejected = _read(file, mapping)
        answer = classify_offences(offences, profile=profile, people=people)
        refused = text.status == "incomplete"
        steps = pd.DataFrame() if refused else count_waterfall(answer, profile=text)
    answer = answer[["offence_id", "band"]].rename(columns={"offence_id": name})
    partial = out.with_name(f"{out.name}.part")
    answer.to_csv(partial, index=False, encoding="utf-8")
    partial.replace(out)
    if text.status == "incomplete":
        typer.echo(f"{text.id}: its list is not verified, so no headline is given.", err=True)
    else:
        typer.echo(_table(steps[["step", "offences", "left_out", "why"]]))
    typer.echo(f"Wrote {len(answer):,} rows to {out}.")
    if rejected:
        typer.echo(f"{rejected:,} rows could not be read and have no band.", err=True)


def _check_out(out: Path, file: Path) -> None:
    """Refuse to write over the extract, onto a folder, or into one that does not exist."""
    do = "Name a new CSV file in a folder that exists."
    if out.resolve() == file.resolve():
        raise UsageError("The answer would overwrite the extract.", where="--out", found=out, do=do)
    if out.is_dir() or not out.parent.is_dir():
        raise UsageError("The answer cannot be written there.", where="--out", found=out, do=do)


def _table(frame: "pd.DataFrame") -> str:
    """Return a table as text: words to the left, numbers to the right with their thousands."""
    columns = []
    for name in frame:
        number = frame[name].dtype.kind in "iuf"
        cells = [str(name), *(f"{value:,}" if number else str(value) for value in frame[name])]
        width = max(map(len, cells))
        columns.append([cell.rjust(width) if number else cell.ljust(width) for cell in cells])
    return "\n".join("  ".join(row).rstrip() for row in zip(*columns, strict=True))


def _stored(*codes: str) -> "Iterator[tuple[pd.DataFrame, pd.DataFrame | None]]":
    """Yield offences and people of the store, one borough at a time."""
    store: Any = importlib.import_module("sna.store")
    held = store.list_areas(store.read_state(), "offences")
    for code in codes or [*held, store.UNPLACED]:
        yield tuple(store.read_table(f"{name}/{code}") for name in ("offences", "people"))


def explain(
    offence_id: Annotated[str, typer.Argument(help="Reference of the record.")],
    file: Annotated[
        Path | None, typer.Option(help="A record extract; without it, the processed store.")
    ] = None,
    mapping: Annotated[str, typer.Option(help="Its mapping.")] = "",
    profile: Profile = "london_2023",
) -> None:
    """Say why one record got its band: each fact, each rule tried, the answer."""
    import pandas as pd

    from sna.classify import explain_offence

    if file is not None:
        offences, people, _, _ = _read(file, mapping or str(file.with_suffix(".mapping.toml")))
    else:
        stored = ((o, p) for o, p in _stored() if o["offence_id"].eq(offence_id).any())
        offences, people = next(stored, (pd.DataFrame({"offence_id": []}), None))
    told = explain_offence(offences, offence_id, profile=profile, people=people)
    facts, rules, answers = (told[told["part"] == part] for part in ("fact", "rule", "answer"))
    answer = answers.set_index("name")["value"]
    typer.echo(f"{offence_id} is {answer['band'].replace('_', ' ')}. {answer['reason']}\n")
    titles = {"name": "Fact", "value": "Value", "field": "From"}
    typer.echo(_table(facts[[*titles]].rename(columns=titles)))
    for how, title in (("decided", "Rules that decided"), ("tried", "Rules tried")):
        part = rules[rules["field"] == how]
        words = "; ".join(part["name"] + " " + part["value"])
        typer.echo("\n" + fill(f"{title}: {words}.", 96))
    more = answers[~answers["name"].isin(["band", "reason"]) & answers["value"].ne("")]
    titles = {"name": "Answer", "value": "Value"}
    typer.echo("\n" + _table(more[[*titles]].rename(columns=titles)))


_CONTEXTS = {
    "u25_da_sv": "in a context: a person under 25, domestic abuse, sexual violence",
    "any_violence": "at any age, in any context",
    "subgroups": "whole published subgroups",
}


def list_profiles(context: typer.Context) -> None:
    """List what each definition says."""
    from sna.definitions import profile_ids, read_profile, switches

    if context.invoked_subcommand:
        return
    base, asked = read_profile("london_2023"), switches().set_index("switch")["question"]
    for name in profile_ids():
        profile = read_profile(name)
        moved = {k: str(v) for k, v in profile.switches.items() if v != base.switches[k]}
        lines = [
            "NO HEADLINE: its list of offences is not verified"
            if profile.status != "adopted"
            else "",
            f"counts {_CONTEXTS[profile.contexts]}",
            *(f"{asked[k]} {k} = {v}" for k, v in moved.items()),
            f"families: {', '.join(profile.families)}".replace("_", " ")
            if profile.families
            else "",
            f"subgroups: {', '.join(profile.subgroups)}" if profile.subgroups else "",
            f"watches beside it: {'; '.join(m.title for m in profile.monitored.values())}"
            if profile.monitored
            else "",
            f"from {profile.valid_from or 'no date'}; {profile.source}",
        ]
        typer.echo(f"{name}: {profile.title} (hash {profile.hash})")
        typer.echo("".join(f"  {line}\n" for line in lines if line))


def compare(
    first: Annotated[str, typer.Argument(help="Profile that applies now.")],
    second: Annotated[str, typer.Argument(help="Profile to compare it with.")],
    borough: Annotated[str, typer.Option(help="One borough; all of the store without it.")] = "",
) -> None:
    """Say what would change, band by band and borough by borough, if the second were adopted."""
    import pandas as pd

    from sna.classify import compare_profiles
    from sna.definitions import (
        boroughs,
        find_borough,
        read_profile,
        read_reference,
        source_titles,
    )

    codes = [find_borough(borough)[0]] if borough else []
    keys = ("borough_code", "source")
    flows = [
        compare_profiles(offences, first, second, people=people, by=keys)
        for offences, people in _stored(*codes)
    ]
    if not flows:
        raise UsageError("The store holds no offences.", do="Run: sna build")
    flow = pd.concat(flows, ignore_index=True).astype({"source": "str", "borough_code": "str"})
    whole = read_reference("whole_sources")["source"].tolist()  # other sources count rows twice
    rank = flow["source"].map({name: at for at, name in enumerate(whole)})
    best = rank.groupby(flow["borough_code"]).transform("min")
    flow = flow[rank.eq(best) & flow["borough_code"].str.startswith("E09")]
    if flow["offences"].sum() == 0:
        what, do = "The store holds no offences to compare.", "Name a borough that sna build read."
        raise UsageError(what, where="sna profiles compare", found=borough or "all", do=do)
    moves = flow[flow["moves"] & flow["offences"].gt(0)]
    for profile in (read_profile(first), read_profile(second)):
        if profile.status == "incomplete":
            typer.echo(f"{profile.id}: its list is not verified; no headline from it.", err=True)
    names = {"source": source_titles().set_index("source")["title"].to_dict()}
    names["borough_code"] = boroughs().set_index("borough_code")["borough_name"].to_dict()
    titles = {"borough_code": "Borough", "source": "From", "name_a": first, "name_b": second}
    shown = moves.sort_values(["borough_code", "offences"], ascending=[True, False]).replace(names)
    shown = shown[[*titles, "offences"]].rename(columns={**titles, "offences": "Offences"})
    total, moved = int(flow["offences"].sum()), int(moves["offences"].sum())
    typer.echo(_table(shown) if len(shown) else "No offence changes its band.")
    typer.echo(f"\n{moved:,} of {total:,} recorded offences would change their band.")
