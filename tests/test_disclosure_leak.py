"""Nothing unprotected in the bytes: a planted count goes through figure, CSV and bundle."""

import json
from types import SimpleNamespace

import pandas as pd
import pytest

import sna
from sna.figures.figure import TABLE_MIME, Table
from sna.reporting.bundle import write_bundle
from sna.reporting.verify import find_leaks
from sna.schemas.results import Derived, ResultTable, register
from sna.settings import Settings

CANARIES = ("3137", "SECRET-7731")
HEAD = {"place": "Camden", "period": "x", "edition": "public", "marking": "OFFICIAL",
        "version": "0", "simulated": True, "facts": {}}  # fmt: skip
EVIL = ["<script>alert(1)</script>", "=cmd|' /C calc'!A0", "a\u202eb\x07", "x" * 300]

register(
    ResultTable("t_leak", "an area", ("area",), ("offences",), plain=("population",),
                derived=(Derived("rate", "rate", ("offences", "population"),
                                 ("lower_ci", "upper_ci")),)),
)  # fmt: skip


def published(folder, frame):
    data = SimpleNamespace(edition="public", borough_name="Camden", simulated=True,
                           end_month=pd.Timestamp("2025-03-01"), settings=Settings())  # fmt: skip
    protected = sna.protect(frame, contract="t_leak", data=data)
    names = {name: name.title() for name in protected.table}
    figure = Table("offences_by_area", "Offences", "Count by area", protected, names, "Police")
    shown = figure._repr_mimebundle_()
    (folder / "csv").mkdir()
    (folder / "a.html").write_text(shown["text/html"], encoding="utf-8")
    (folder / "csv/a.csv").write_text(shown[TABLE_MIME]["csv"], encoding="utf-8")
    write_bundle(folder, [shown[TABLE_MIME]], name="all", head=HEAD)
    return protected, shown["text/html"]


def test_a_planted_count_and_an_inner_column_reach_no_file(tmp_path):
    frame = pd.DataFrame({"area": ["a", "b", "c"], "offences": [3137, 3, 0], "population": 10_000,
                          "offence_id": "SECRET-7731", "release_class": "restricted"})  # fmt: skip
    protected, _ = published(tmp_path, frame)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 4  # page, CSV, sidecar, archive
    assert find_leaks(files, root=tmp_path, canaries=CANARIES) == []
    assert not any(text in protected.record() for text in CANARIES)
    back = protected.table["rate"] * 10  # rate times population: the rounded count, no closer
    assert back.round(6).tolist()[0] == 3135


@pytest.mark.parametrize("label", EVIL)
def test_evil_labels_are_shown_as_harmless_text(tmp_path, label):
    frame = pd.DataFrame({"area": [label], "offences": [3], "population": 10_000,
                          "release_class": "restricted"})  # fmt: skip
    protected, html = published(tmp_path, frame)
    assert "<script" not in html and "\u202e" not in html and "\x07" not in html
    cell = (tmp_path / "csv/a.csv").read_text(encoding="utf-8").splitlines()[1].lstrip('"')
    assert not cell.startswith(("=", "+", "-", "@"))
    assert "[c]" in html and json.loads(protected.record())["log"]


def test_a_wholly_suppressed_table_says_so(tmp_path):
    frame = pd.DataFrame({"area": ["a", "b"], "offences": [1, 2], "population": 10_000,
                          "release_class": "restricted"})  # fmt: skip
    _, html = published(tmp_path, frame)
    assert html.count("[c]") >= 2 and "withheld to protect people" in html
    assert "nan" not in html.lower()
