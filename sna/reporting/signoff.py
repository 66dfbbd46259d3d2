"""Sign-off: who approved what, and the checklist of good practice with its evidence."""

import csv
from collections.abc import Mapping
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

from sna.errors import QualityError, TableError
from sna.settings import Settings

QA_LOG = "qa_log.csv"
QA_COLUMNS = ("check_id", "date", "stage", "check", "result", "evidence", "who", "role", "version")
_RECORD = {
    "run_id": str, "finished": str, "version": str, "packages": dict, "parameters": dict,
    "definition": dict, "simulated": bool, "marking": str, "inputs": list, "steps": list,
    "outputs": list,
}  # fmt: skip


def read_qa_log(settings: Settings) -> list[dict[str, str]]:
    """Read `qa_log.csv` of the records folder; no file is an empty log."""
    file = settings.folder("records") / QA_LOG
    if not file.is_file():
        return []
    with file.open(encoding="utf-8-sig", newline="") as handle:
        reader = csv.DictReader(handle)
        if absent := [name for name in QA_COLUMNS if name not in (reader.fieldnames or [])]:
            raise TableError(f"{QA_LOG} lacks {len(absent)} columns.", where=str(file.name),
                             found=absent, do=f"Its header is {','.join(QA_COLUMNS)}.")  # fmt: skip
        return [{key: (row[key] or "").strip() for key in QA_COLUMNS} for row in reader]


def draft_reason(settings: Settings, *, borough_code: str, edition: str, end_month: str) -> str:
    """Say why a report is a draft, or "" once someone other than its author approved it.

    An approval is a row of `qa_log.csv` with stage ``output``, check ``approval``, result ``pass``
    and the evidence ``E09000012/public/2025-03``. The author is ``[qa] analyst``.
    """
    author, wanted = settings.qa.analyst.casefold(), f"{borough_code}/{edition}/{end_month}"
    if not author:
        return "No analyst is named in the settings, so nobody can approve this assessment."
    who = [
        row["who"].casefold() for row in read_qa_log(settings)
        if (row["stage"], row["check"], row["result"], row["evidence"])
        == ("output", "approval", "pass", wanted)
    ]  # fmt: skip
    if any(name and name != author for name in who):
        return ""
    said = "Only its author has approved this assessment." if who else ""
    return said or "Nobody other than its author has approved this assessment yet."


def checklist(
    record: Mapping[str, Any], settings: Settings, *, today: date
) -> list[dict[str, str]]:
    """Return the checklist: level, requirement, whether it is met, and the evidence."""
    qa, inputs = settings.qa, record.get("inputs", [])
    parts = [(i.get("rows"), i.get("rows_used"), i.get("rows_rejected")) for i in inputs]
    roles = [getattr(qa, name) for name in ("commissioner", "analyst", "assurer", "approver")]
    whole = [p for p in parts if None not in p and p[0] == p[1] + p[2]]
    evidence = {
        "git_commit": str(record.get("git_commit") or ""),
        "clean": "git_dirty is false" if record.get("git_dirty") is False else "",
        "approved": "" if record.get("draft", "draft") else QA_LOG,
        "inputs": f"{len(inputs)} files" if inputs and all(i.get("sha256") for i in inputs) else "",
        "reconciled": f"{len(whole)} files" if inputs and len(whole) == len(inputs) else "",
        "packages": f"{len(record.get('packages', {}))} packages" if record.get("packages") else "",
        "outputs": f"{len(record['outputs'])} files" if record.get("outputs") else "",
        "definition": str(record.get("definition", {}).get("hash", ""))[:12],
        "roles": "named in the settings" if all(roles) and roles[1] != roles[2] else "",
        "risk": "stated in the settings" if qa.risk else "",
        "in_date": f"valid until {qa.valid_until}" if qa.valid_until and qa.valid_until >= today
        else "",
        "disclosure": "disclosure in run.json" if "disclosure" in record else "",
    }  # fmt: skip
    text = files("sna.definitions").joinpath("checklist.csv").read_text(encoding="utf-8")
    return [
        row | {"met": "yes" if evidence[row["evidence"]] else "not yet",
               "evidence": evidence[row["evidence"]] or "nothing yet"}
        for row in csv.DictReader(text.splitlines())
    ]  # fmt: skip


def check_record(record: Mapping[str, Any]) -> None:
    """Raise `QualityError` unless a run record has every part, in its type, and no loose path."""
    wrong = [key for key, kind in _RECORD.items() if not isinstance(record.get(key), kind)]
    named = [] if wrong else [*((i, "file") for i in record["inputs"]),
                              *((o, "path") for o in record["outputs"])]  # fmt: skip
    paths = [str(row[key]) for row, key in named if Path(str(row.get(key))).is_absolute()]
    if wrong or paths:
        raise QualityError("The run record breaks its schema.", where="run.json",
                           found=[*wrong, *paths], do="Make the report again.")  # fmt: skip
