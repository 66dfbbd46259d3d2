"""The closing sections of a notebook: data quality, and what this run stands on."""

import hashlib
import re
from calendar import month_name
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import pandas as pd

import sna
from sna.definitions import switches
from sna.definitions.views import views
from sna.disclosure.protected import ProtectedTable
from sna.disclosure.suppress import is_exact, published_inputs
from sna.figures.cells import fill
from sna.figures.figure import Figure, Table
from sna.figures.view import show
from sna.narrative.words import format_count, join_words
from sna.schemas.results import ResultTable

PACKAGES = "pandas numpy geopandas scipy statsmodels matplotlib papermill nbconvert pyarrow polars"
_MONTHS = "|".join(list(month_name)[1:])
_COUNT = re.compile(rf"(?<![\w.,/:-])\d{{1,3}}(?:,\d{{3}})*(?![\w%/:-]|[.,]\d| (?:{_MONTHS}))")
MOST_LISTED = 8
_SEVERITIES = ("error", "warning", "information")


@dataclass(frozen=True)
class Note:
    """A paragraph or list about the data, as HTML; holds no result."""

    html: str

    def _repr_html_(self) -> str:
        return self.html


def listing(frame: pd.DataFrame, view: str, data: Any) -> Figure | Table:
    """Return facts about files or findings as a reader's table; never results."""
    columns = tuple(views()[view]["columns"])
    shape = ResultTable(view, view, keys=columns[:1], counts=(), plain=columns[1:])
    table = frame.reindex(columns=[*columns]).reset_index(drop=True)
    where = (data.edition, data.borough_name, f"latest data {data.end_month:%B %Y}", ())
    marking = getattr(data.settings.markings, data.edition)
    facts: Any = {"simulated": data.simulated, "marking": marking}
    protected = ProtectedTable(shape, table, pd.DataFrame(index=table.index), *where, **facts)
    return show(protected)


def packages() -> dict[str, str]:
    """Return the version of each package that can move a number."""
    return {name: version(name) for name in PACKAGES.split()}


def row_totals(data: Any) -> dict[str, int]:
    """Return the number of files, and of rows read, used and rejected over all of them."""
    inputs = pd.DataFrame(published_inputs(data)).reindex(
        columns=["rows", "rows_used", "rows_rejected"]
    )
    sums = inputs.fillna(0).sum().astype(int)
    return {"files": len(inputs)} | {str(name): int(rows) for name, rows in sums.items()}


def sorted_findings(data: Any) -> pd.DataFrame:
    """Return the findings, worst first; those that differ in numbers only stand together.

    Rows of restricted files are counts of people's records: rounded, in the text too, and under
    five in words. In the public edition so is every count of rows under five.
    """
    found = data.findings.reindex(columns=["severity", "file", "finding", "rows", "action"])
    found = found.astype(object).where(found.notna(), None)
    opened, base = _open_names(data), data.settings.disclosure.round_base
    made, numbers_of = [], rf"[\d,]+( ({_MONTHS}))?"
    alike = found["finding"].str.replace(numbers_of, "#", regex=True)
    for _, group in found.groupby([found["severity"], alike], sort=False):
        first, others, like = group.iloc[0], group["file"].nunique() - 1, len(group) - 1
        numbers, text = [number for number in group["rows"] if number is not None], first["finding"]
        total, said = sum(numbers), [*(group["file"].fillna("") + " " + group["finding"])]
        closed = not all(any(name in one for name in opened) for one in said)
        small = (data.edition == "public" or closed) and 0 < total < base
        if closed:
            total, text = base * int(total / base + 0.5), _rounded(text, base, small=small)
        file = (first["file"] or "all files") + (f" and {others} more" if others > 0 else "")
        rows = "[z]" if not numbers else f"fewer than {base}" if small else f"{total:,.0f}"
        finding = text + (f" (and {like} like it)" if like else "")
        made.append((first["severity"], file, finding, rows, first["action"] or "nothing"))
    table = pd.DataFrame(made, columns=found.columns)
    return table.sort_values("severity", key=lambda s: s.map(_SEVERITIES.index), kind="stable")


def _open_names(data: Any) -> list[str]:
    """Return how findings may name the files whose rows the edition shows exactly."""
    told = [(i.get("release_class", ""), i.get("layout", "")) for i in data.inputs]
    exact = [i for i, one in zip(data.inputs, told, strict=True) if is_exact(data, *one)]
    return sorted({i[name] for i in exact for name in ("file", "series", "title") if i.get(name)})


def _rounded(text: str, base: int, *, small: bool) -> str:
    """Round the counts in a finding, but no month, code or year; of few rows tell no share."""

    def near(found: re.Match[str]) -> str:
        number = int(found[0].replace(",", ""))
        return f"fewer than {base}" if 0 < number < base else f"{base * int(number / base + 0.5):,}"

    if small:
        text = re.sub(r"[\d.]+% of rows", "Few rows", text)
    whole = re.sub(r"[\d.]+%", lambda share: f"{float(share[0][:-1]):.0f}%", text)
    return _COUNT.sub(near, whole)


def show_findings(data: Any, *, here: bool = False) -> Note:
    """Return what a reader should know about the data: rows in and out, errors, and where more is.

    Warnings and notes are counted only: the page *Data quality* lists them once for the report;
    ``here`` is for that page itself.
    """
    found = sorted_findings(data)
    listed = found[found["severity"].eq("error")].head(MOST_LISTED).to_dict("records")
    numbers = found["severity"].value_counts()
    named = {"error": "error", "warning": "warning", "information": "note"}
    parts = [
        format_count(numbers[key], f"{word}s") for key, word in named.items() if key in numbers
    ]
    given = {"here": here, "totals": row_totals(data), "said": join_words(parts), "listed": listed}
    return Note(fill("findings.html.j2", **given))


def run_facts(data: Any) -> dict[str, str]:
    """Return what the numbers stand on: data, definition and versions, without the run's time."""
    profile, until = data.profile, data.settings.qa.valid_until
    hashes = "".join(sorted(str(i.get("sha256", "")) for i in data.inputs)).encode()
    return {
        "Area": f"{data.borough_name} ({data.borough_code})",
        "Latest data": f"{data.end_month:%B %Y}",
        "Definition": f"{profile.id}, version {profile.version}",
        "Definition hash": profile.hash[:16],
        "Edition": data.edition.capitalize(),
        "Input files": f"{len(data.inputs)}, together {hashlib.sha256(hashes).hexdigest()[:16]}",
        "Made with": f"sna {sna.__version__}",
        "Packages": ", ".join(f"{name} {number}" for name, number in packages().items()),
        "Review by": f"{until.day} {until:%B %Y}" if until else "not set",
    }


def show_run(data: Any) -> Note:
    """Return what this run stands on; its time and commit are in `run.json` only."""
    return Note(fill("facts.html.j2", facts=run_facts(data)))


def describe_rules(data: Any) -> Note:
    """Quote the adopted text with its source and hash, and list every resolved rule."""
    rules = switches().to_dict("records")
    return Note(fill("definition.html.j2", profile=data.profile, rules=rules))
