"""A borough, a notebook and a kernel-free run, small enough to judge by eye."""

from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from nbformat import NotebookNode, v4

from sna.settings import Settings


@dataclass(frozen=True)
class Profile:
    id: str = "london_2023"
    version: str = "1.0"
    source: str = "London guidance of 2023."
    quote: str = "Serious violence means violence that does great harm."
    hash: str = "8f3a2c1b9d7766554433221100ffeeddccbbaa9988776655443322110099aabb"


@dataclass(frozen=True)
class Borough:
    """Has the names of `sna.store.BoroughData` that reports use."""

    borough_code: str = "E09000017"
    borough_name: str = "Hillingdon"
    edition: str = "public"
    profile: Profile = Profile()
    end_month: pd.Timestamp = pd.Timestamp("2025-03-01")  # noqa: RUF009
    simulated: bool = True
    settings: Settings = field(default_factory=Settings)
    inputs: tuple[dict[str, Any], ...] = (
        {"file": "simulated/extract.csv", "sha256": "ab" * 32, "layout": "extract", "rows": 1000,
         "rows_used": 990, "rows_rejected": 10, "first_month": "2020-04", "last_month": "2025-03"},
        {"file": "simulated/ward.csv", "sha256": "cd" * 32, "layout": "mps_ward", "rows": 500,
         "rows_used": 500, "rows_rejected": 0, "first_month": "2023-04", "last_month": "2025-03"},
    )  # fmt: skip
    offences: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(
            {
                "source": ["police_uk_street"],
                "release_class": "open",
                "published_category": "police.uk | Robbery",
                "offence_id": "a",
                "file_id": 0,
                "offences": 1,
                "month": pd.to_datetime(["2025-03-01"]),
            }
        )
    )
    outcomes: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(
            {
                "source": ["police_uk_outcomes", "police_uk_outcomes"],
                "release_class": "open",
                "published_category": [None, None],
                "area_level": "lsoa",
                "offence_id": ["a", None],
                "outcome": "Suspect charged",
                "outcomes": 1,
                "month": pd.to_datetime(["2025-03-01", "2024-03-01"]),  # one year ends with March
            }
        )
    )
    findings: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(
            {
                "severity": ["information", "warning"],
                "file": [None, "simulated/extract.csv"],
                "finding": ["24 months are complete.", "Ages are missing in some rows."],
                "rows": [None, 3],
                "action": [None, "Ask the data owner."],
            }
        )
    )


SETUP = """import sna
import pandas as pd
import sys
sys.path.insert(0, {tests!r})
from report_fixture import protected_series, draw
from sna.narrative.prose import KeyFindings, Prose"""


def notebook(tests: str, *, extra: str = "", question: str = "Is violence rising?") -> NotebookNode:
    """Return a notebook of the shape every report has; `extra` is one more code cell."""
    figure = """sna.figures.Figure("series", "Offences changed little",
    "Recorded offences by month",
    protected_series(borough), {"month": "Month", "offences": "Recorded offences"},
    "Simulated records", draw=draw,
    alt="Line chart of recorded offences by month, to show the direction.")"""
    values = "borough = 'E09000017'\nend_month = '2025-03'\nedition = 'public'\nprofile = 'x'"
    tagged = [(values, "parameters"), (SETUP.format(tests=tests), "setup")]
    cells = [
        v4.new_markdown_cell(f"# {question}\n\nFor the partnership. It shows counts by month."),
        *[v4.new_code_cell(text, metadata={"tags": [tag]}) for text, tag in tagged],
        v4.new_markdown_cell("## Key findings"),
        v4.new_code_cell('KeyFindings(("Counts stayed much the same.",), ("series",))'),
        v4.new_markdown_cell("## Offences by month\n\nHow to read this."),
        v4.new_code_cell(figure),
        v4.new_code_cell('Prose("The counts stayed much the same.")'),
        *([v4.new_code_cell(extra)] if extra else []),
        v4.new_markdown_cell("## What this cannot tell you\n\n- Recorded is not occurred."),
    ]
    made = v4.new_notebook(cells=cells)
    made.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    for number, cell in enumerate(made.cells):
        cell.id = f"cell-{number}"
    return made


def protected_series(place: str) -> Any:
    from sna.disclosure.protected import ProtectedTable
    from sna.schemas.results import ResultTable

    shape = ResultTable("fixture", "one row a month", ("month",), ("offences",))
    months = pd.date_range("2024-04-01", periods=12, freq="MS")
    frame = pd.DataFrame({"month": months, "offences": [10.0, 15, None, *[20.0] * 9]})
    flags = pd.DataFrame({"offences": ["", "", "[c]", *[""] * 9]})
    return ProtectedTable(shape, frame, flags, "public", place, "April 2024 to March 2025",
                          ("extract",), simulated=True)  # fmt: skip


def draw(protected: Any) -> Any:
    from sna.charts import base

    ax = base.new_axes()
    ax.plot(
        protected.table["month"], protected.table["offences"], color=base.PALETTE[0], marker="o"
    )
    ax.set_ylim(0, None)
    base.label_ends(ax, [(20, str(protected.borough_name), base.PALETTE[0])])
    return ax
