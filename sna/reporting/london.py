"""The index across boroughs: a tile map, rates with intervals, and the way to each report."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from sna.definitions import boroughs
from sna.disclosure.protected import ProtectedTable
from sna.figures.view import show
from sna.reporting.lint import check_pages
from sna.reporting.pages import render_page
from sna.reporting.summary import shown, written_page
from sna.schemas.results import result_table

NUMBERS = ["offences", "rate", "lower_ci", "upper_ci"]
# A record of an older version lacks some of these: its borough joins again when next rendered.
NEEDED = {"place", "parameters", "headline", "simulated", "marking", "version"}


def london_page(reports: Path, edition: str) -> Path:
    """Return where the index of an edition stands."""
    return reports / ("index.html" if edition == "public" else f"index-{edition}.html")


def render_london(reports: Path, edition: str = "public") -> Path | None:
    """Write the index of all areas that have reports of an edition; None when there are none."""
    found = sorted(reports.glob(f"*/{edition}/run.json"))
    records = {path: json.loads(path.read_text(encoding="utf-8")) for path in found}
    kept = {path: run for path, run in records.items() if run.keys() >= NEEDED}
    if not kept:
        return None
    runs = list(kept.values())
    folders = [f"{path.parent.parent.name}/{edition}/index.html" for path in kept]
    rates = _rates(runs, edition)
    links = dict(zip(rates.table["area"], folders, strict=True))
    said = dict(zip(links, [rates.shown(row, "rate") for row in rates.table.index], strict=True))
    tiles = boroughs().to_dict("records")
    page = written_page(
        "london",
        "London",
        tiles=tiles,
        links=links,
        said=said,
        elsewhere=sorted(set(links) - {tile["borough_name"] for tile in tiles}),
        measures=sorted(set(rates.table["measure"]) - {""}),
        rates=shown(show(rates)),
    )
    first = {key: runs[0][key] for key in ("marking", "version")}
    head = {**first, "edition": edition, "place": "London boroughs", "period": rates.period}
    head |= {"simulated": rates.simulated, "draft": "", "contact": "", "home": "", "facts": {}}
    path = london_page(reports, edition)
    path.write_text(render_page(page, head), encoding="utf-8", newline="")
    check_pages(path)
    return path


def _rates(runs: list[dict[str, Any]], edition: str) -> ProtectedTable:
    """Return the rates that the reports of the areas show, withheld ones with their marks."""
    gaps = {"area": "", "end_month": "", **dict.fromkeys(NUMBERS, "[x]"), "measure": ""}
    rows = [{"area": run["place"], **run["parameters"], **run["headline"]} for run in runs]
    texts = pd.DataFrame([{**gaps, **row} for row in rows])[list(gaps)]
    numbers = texts[NUMBERS].apply(pd.to_numeric, errors="coerce")
    marks = texts[NUMBERS].where(numbers.isna(), "")
    last = pd.Timestamp(max(texts["end_month"]))
    return ProtectedTable(
        contract=result_table("london_rates"),
        table=texts.assign(**{name: numbers[name] for name in NUMBERS}),
        flags=marks,
        edition=edition,
        borough_name="London",
        period=f"data to {last:%B %Y}",
        sources=(),
        simulated=any(run["simulated"] for run in runs),
        marking=runs[0]["marking"],
    )
