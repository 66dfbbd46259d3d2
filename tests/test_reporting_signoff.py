"""Tests of sign-off: draft until another approves, checklist with evidence, run record schema."""

from datetime import date
from types import SimpleNamespace

import pytest

from sna.errors import QualityError, TableError
from sna.reporting.record import QA_COLUMNS, check_record, checklist, draft_reason
from sna.settings import Quality, Settings

TODAY = date(2025, 4, 1)
QA = Quality(commissioner="Board", analyst="Ana", assurer="Bo", approver="Cy", risk="wrong ward",
             valid_until=date(2026, 1, 1))  # fmt: skip
APPROVAL = "1,2025-04-01,output,approval,{result},E09000012/public/2025-03,{who},approver,0.1.0"
GOOD = {
    "run_id": "E09000012-public-20250401T090000Z", "place": "Hackney", "finished": "x", "version": "0.1.0", "packages": {"pandas": "3"},
    "python": "3.13", "platform": "Linux", "settings": {}, "checks": "10 files scanned",
    "warnings": [], "exit_code": 0,
    "parameters": dict.fromkeys(("borough", "end_month", "edition", "profile"), "x"),
    "definition": {"id": "x", "version": "1", "hash": "abcdef"}, "simulated": True, "marking": "OFFICIAL",
    "inputs": [{"file": "a.csv", "sha256": "f", "rows": 3, "rows_used": 2, "rows_rejected": 1}],
    "steps": [], "outputs": [{"path": "index.html", "sha256": "f" * 64}], "git_commit": "abc",
    "git_dirty": False, "draft": "", "disclosure": {},
}  # fmt: skip


def reason(folder, *rows, qa=QA):
    (folder / "records").mkdir(exist_ok=True)
    lines = [",".join(QA_COLUMNS), *rows]
    (folder / "records/qa_log.csv").write_text("\n".join(lines), encoding="utf-8")
    settings = Settings(root=folder, qa=qa)
    return why(settings)


def why(settings):
    data = SimpleNamespace(settings=settings, borough_code="E09000012")
    return draft_reason(data, edition="public", end_month="2025-03")


def test_a_report_is_a_draft_until_someone_other_than_the_author_approves(tmp_path):
    assert "yet" in reason(tmp_path)
    for author in ("ana", " Ana\u00a0", "ana."):
        assert "Only its author" in reason(tmp_path, APPROVAL.format(result="pass", who=author))
    assert "yet" in reason(tmp_path, APPROVAL.format(result="fail", who="Cy"))
    assert reason(tmp_path, APPROVAL.format(result="pass", who="Cy")) == ""
    other = APPROVAL.format(result="pass", who="Cy").replace("public", "partner")
    assert reason(tmp_path, other)
    assert "No analyst" in reason(tmp_path, APPROVAL.format(result="pass", who="Cy"), qa=Quality())


def test_no_log_is_a_draft_and_a_broken_one_an_error(tmp_path):
    settings = Settings(root=tmp_path, qa=QA)
    assert why(settings)
    (tmp_path / "records").mkdir()
    (tmp_path / "records/qa_log.csv").write_text("who\nCy\n", encoding="utf-8")
    with pytest.raises(TableError, match="lacks 8 columns"):
        why(settings)


def test_the_checklist_gives_evidence_for_what_is_met_and_says_what_is_not():
    met = {row["check"]: row for row in checklist(GOOD, Settings(qa=QA), today=TODAY)}
    assert {row["met"] for row in met.values()} == {"yes"}
    late = checklist({**GOOD, "git_dirty": True, "draft": "why"}, Settings(qa=QA),
                     today=date(2026, 2, 1))  # fmt: skip
    unmet = {row["check"] for row in late if row["met"] != "yes"}
    assert len(unmet) == 3
    bare = [row for row in checklist({}, Settings(), today=TODAY) if row["met"] == "yes"]
    assert {row["evidence"].split(";")[0] for row in bare} == {  # files of the project itself
        "README.md", "sna report", "docs/", "tests/", "data_dictionary.csv", "docs/scheduling.md",
        "CHANGELOG.md", "SHA-256 of every input", "docs/assumptions.md", "data_quality.html",
        "methods.html",
    }  # fmt: skip


def test_a_run_record_needs_every_part_and_no_absolute_path():
    check_record(GOOD)
    with pytest.raises(QualityError, match="schema"):
        check_record({**GOOD, "outputs": "none"})
    with pytest.raises(QualityError, match="schema"):
        check_record({**GOOD, "inputs": [{"file": "/home/x/a.csv", "sha256": "f"}]})
    with pytest.raises(QualityError, match="packages"):
        check_record({key: value for key, value in GOOD.items() if key != "packages"})
