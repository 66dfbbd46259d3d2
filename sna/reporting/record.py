"""What a run leaves behind: the facts printed on its pages, and `run.json`."""

import csv
import hashlib
import json
import platform
import subprocess
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sna
from sna.figures.about import packages, run_facts
from sna.reporting.signoff import check_record, checklist

_KEPT = ("file", "sha256", "layout", "rows", "rows_used", "rows_rejected", "first_month",
         "last_month")  # fmt: skip


def front(data: Any, *, draft: str = "") -> dict[str, Any]:
    """Return what stands on every page of a borough's reports; see the template."""
    known, settings = run_facts(data), data.settings
    facts = {name: known[name] for name in ("Area", "Data to", "Edition", "Review by")}
    facts["Status"] = "Draft" if draft else "Approved"
    facts["Definition"] = f"{known['Definition']}, {data.profile.hash[:10]}"
    if data.edition == "partner":
        facts["Handling"] = settings.markings.handling
    return {
        "edition": data.edition, "place": data.borough_name, "facts": facts, "draft": draft,
        "marking": getattr(settings.markings, data.edition), "version": sna.__version__,
        "period": f"data to {data.end_month:%B %Y}", "simulated": data.simulated,
        "contact": settings.qa.contact, "home": "index.html",
    }  # fmt: skip


def find_headline(tables: Iterable[Mapping[str, Any]], place: str) -> dict[str, str]:
    """Return the yearly rate of a borough as its own report shows it, flags included."""
    for table in tables:
        rows = csv.DictReader(table["csv"].splitlines())
        for row in rows if table["contract"] == "trend_areas" else ():
            if row["area"] == place:
                return {"measure": table["subtitle"], **{
                    key: row.get(key, "[x]") for key in ("offences", "rate", "lower_ci", "upper_ci")
                }}  # fmt: skip
    return {}


def git_state() -> dict[str, Any]:
    """Return commit and dirty flag of the checkout that ran; unknown (None) outside one."""
    said = []
    for words in (["rev-parse", "HEAD"], ["status", "--porcelain"]):
        try:
            done = subprocess.run(["git", *words], cwd=Path(__file__).parent, check=True,
                                  capture_output=True, text=True, timeout=10)  # fmt: skip
        except (OSError, subprocess.SubprocessError):
            return {"git_commit": None, "git_dirty": None}
        said.append(done.stdout.strip())
    return {"git_commit": said[0], "git_dirty": bool(said[1])}


def write_record(folder: Path, data: Any, steps: Mapping[str, float], **more: Any) -> None:
    """Write `run.json`: all that is needed to run again, without paths or names of people."""
    now, profile = datetime.now(UTC), data.profile
    record = {
        "run_id": f"{data.borough_code}-{data.edition}-{now:%Y%m%dT%H%M%SZ}",
        "finished": now.isoformat(timespec="seconds"),
        "version": sna.__version__, **git_state(), "python": platform.python_version(),
        "platform": platform.system(), "packages": packages(),
        "parameters": {"borough": data.borough_code, "end_month": f"{data.end_month:%Y-%m}",
                       "edition": data.edition, "profile": profile.id},
        "definition": {"id": profile.id, "version": profile.version, "hash": profile.hash},
        "simulated": data.simulated, "marking": getattr(data.settings.markings, data.edition),
        "settings": data.settings.record(),
        "inputs": [{key: row[key] for key in _KEPT if key in row} for row in data.inputs],
        "steps": [{"step": name, "seconds": round(spent, 2)} for name, spent in steps.items()],
        "outputs": [
            {"path": path.relative_to(folder).as_posix(),
             "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
            for path in sorted(folder.rglob("*")) if path.is_file()
        ],
        **more,
    }  # fmt: skip
    check_record(record)
    record["checklist"] = checklist(record, data.settings, today=now.date())
    text = json.dumps(record, indent=1, ensure_ascii=False, default=str)
    (folder / "run.json").write_text(f"{text}\n", encoding="utf-8")
