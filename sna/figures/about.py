"""The closing sections of a notebook: data quality, and what this run stands on."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import pandas as pd

import sna
from sna.disclosure.protected import ProtectedTable
from sna.figures.cells import escape
from sna.figures.figure import Table
from sna.schemas.results import ResultTable

PACKAGES = ("pandas", "numpy", "geopandas", "scipy", "statsmodels", "matplotlib", "papermill",
            "nbconvert", "pyarrow", "polars")  # fmt: skip
MOST_LISTED = 8
_SEVERITIES = ("error", "warning", "information")


@dataclass(frozen=True)
class Note:
    """A paragraph or list about the data, as HTML and as text; holds no result."""

    html: str
    text: str

    def __str__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return self.html


def listing(
    frame: pd.DataFrame, columns: Mapping[str, str], *, name: str, title: str, data: Any
) -> Table:
    """Return facts about files, runs or definitions as a reader's table; never results."""
    shape = ResultTable(name, title, keys=(next(iter(columns)),), counts=(), plain=tuple(columns))
    table = frame[list(columns)].reset_index(drop=True)
    blank = pd.DataFrame(index=table.index)
    protected = ProtectedTable(
        shape, table, blank, data.edition, data.borough_name, f"data to {data.end_month:%B %Y}",
        (), simulated=data.simulated, marking=getattr(data.settings.markings, data.edition),
    )  # fmt: skip
    subtitle = f"Made for {data.borough_name}, data to {data.end_month:%B %Y}"
    return Table(name, title, subtitle, protected, columns, "the record of this run")


def packages() -> dict[str, str]:
    """Return the version of each package that can move a number."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def row_totals(data: Any) -> dict[str, int]:
    """Return files and rows read, used and rejected, over all inputs."""
    names = {"rows": "read", "rows_used": "used", "rows_rejected": "rejected"}
    sums = {word: sum(int(i.get(key) or 0) for i in data.inputs) for key, word in names.items()}
    return {"files": len(data.inputs), **sums}


def sorted_findings(data: Any) -> pd.DataFrame:
    """Return the findings, worst first, with small row counts in words."""
    frame = data.findings.reindex(columns=["severity", "file", "finding", "rows", "action"])
    order = frame["severity"].astype("str").map({s: i for i, s in enumerate(_SEVERITIES)})
    frame = frame.assign(rows=[_rows(value, data.edition) for value in frame["rows"]])
    frame = frame.assign(file=frame["file"].astype("object").fillna("all files"))
    frame = frame.assign(action=frame["action"].astype("object").fillna("nothing"))
    return frame.iloc[order.argsort(kind="stable")].reset_index(drop=True)


def _rows(value: Any, edition: str) -> str:
    if pd.isna(value):
        return "[z]"
    return "fewer than 5" if edition == "public" and 0 < value < 5 else f"{int(value):,}"


def show_findings(data: Any) -> Note:
    """Return what a reader should know about the data: rows in and out, and the worst findings."""
    totals, found = row_totals(data), sorted_findings(data)
    rows = (
        f"{totals['files']} files were read with {totals['read']:,} rows: {totals['used']:,} were "
        f"used and {totals['rejected']:,} were set aside, each with a reason."
    )
    listed = found[found["severity"] != "information"].head(MOST_LISTED)
    pairs = zip(listed["severity"].astype("str"), listed["finding"].astype("str"), strict=True)
    lines = [f"{severity.capitalize()}: {finding}" for severity, finding in pairs]
    more = len(found) - len(lines)
    end = f"The page Data quality lists {'all' if not lines else 'the others and all'} findings."
    tail = end if more else "There are no other findings."
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    body = f'<ul class="sna-findings">{items}</ul>' if lines else ""
    return Note(f"<p>{rows}</p>{body}<p>{tail}</p>", "\n".join([rows, *lines, tail]))


def run_facts(data: Any) -> dict[str, str]:
    """Return what the numbers stand on: data, definition and versions, without the run's time."""
    profile, until = data.profile, data.settings.qa.valid_until
    hashes = "".join(sorted(str(i.get("sha256", "")) for i in data.inputs)).encode()
    together = hashlib.sha256(hashes).hexdigest()[:16]
    return {
        "Area": f"{data.borough_name} ({data.borough_code})",
        "Data to": f"{data.end_month:%B %Y}",
        "Definition": f"{profile.id}, version {profile.version}",
        "Definition hash": profile.hash[:16],
        "Edition": data.edition.capitalize(),
        "Input files": f"{len(data.inputs)}, together {together}",
        "Made with": f"sna {sna.__version__}",
        "Packages": ", ".join(f"{name} {number}" for name, number in packages().items()),
        "Review by": f"{until.day} {until:%B %Y}" if until else "not set in sna.toml",
    }


def show_run(data: Any) -> Note:
    """Return what this run stands on; its time and commit are in `run.json` only."""
    facts = run_facts(data)
    items = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(text)}</dd></div>" for name, text in facts.items()
    )
    text = "\n".join(f"{name}: {value}" for name, value in facts.items())
    return Note(f'<dl class="sna-facts">{items}</dl>', text)
