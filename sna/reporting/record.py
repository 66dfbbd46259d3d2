"""What a run leaves behind: the facts printed on its pages, and `run.json`."""

import hashlib
import json
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sna
from sna.figures.about import packages, run_facts


def front(data: Any, *, draft: str = "") -> dict[str, Any]:
    """Return what stands on every page of a borough's reports; see the template."""
    settings, known = data.settings, run_facts(data)
    facts = {name: known[name] for name in ("Area", "Data to", "Edition", "Review by")}
    facts["Status"] = "Draft" if draft else "Approved"
    facts["Definition"] = f"{known['Definition']}, {data.profile.hash[:10]}"
    if data.edition == "partner":
        facts["Handling"] = settings.markings.handling
    return {
        "edition": data.edition,
        "edition_words": f"{data.edition} edition",
        "marking": getattr(settings.markings, data.edition),
        "place": data.borough_name,
        "period": f"data to {data.end_month:%B %Y}",
        "version": sna.__version__,
        "definition": facts["Definition"],
        "draft": draft,
        "simulated": data.simulated,
        "contact": settings.qa.contact,
        "home": "index.html",
        "facts": [{"name": name, "text": text} for name, text in facts.items()],
    }


def git_state() -> dict[str, Any]:
    """Return commit and dirty flag of the checkout that ran, or unknown outside one."""
    here = Path(__file__).parent

    def git(*words: str) -> str | None:
        try:
            done = subprocess.run(
                ["git", *words], cwd=here, capture_output=True, text=True, check=True, timeout=10
            )
        except (OSError, subprocess.SubprocessError):
            return None
        return done.stdout.strip()

    changes = git("status", "--porcelain")
    return {"git_commit": git("rev-parse", "HEAD"), "git_dirty": bool(changes)
            if changes is not None else None}  # fmt: skip


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_record(folder: Path, data: Any, steps: Mapping[str, float], **more: Any) -> None:
    """Write `run.json`: all that is needed to run again, without paths or names of people."""
    now = datetime.now(UTC)
    profile = data.profile
    kept = ("file", "sha256", "layout", "rows", "rows_used", "rows_rejected", "first_month",
            "last_month")  # fmt: skip
    record = {
        "run_id": f"{data.borough_code}-{data.edition}-{now:%Y%m%dT%H%M%SZ}",
        "finished": now.isoformat(timespec="seconds"),
        "version": sna.__version__,
        **git_state(),
        "python": platform.python_version(),
        "platform": platform.system(),
        "packages": packages(),
        "parameters": {
            "borough": data.borough_code,
            "end_month": f"{data.end_month:%Y-%m}",
            "edition": data.edition,
            "profile": profile.id,
        },
        "definition": {"id": profile.id, "version": profile.version, "hash": profile.hash},
        "simulated": data.simulated,
        "marking": getattr(data.settings.markings, data.edition),
        "inputs": [{key: row.get(key) for key in kept if key in row} for row in data.inputs],
        "steps": [{"step": name, "seconds": round(spent, 2)} for name, spent in steps.items()],
        "outputs": [
            {"path": path.relative_to(folder).as_posix(), "sha256": sha256(path)}
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        ],
        **more,
    }
    text = json.dumps(record, indent=1, ensure_ascii=False, default=str)
    (folder / "run.json").write_text(text + "\n", encoding="utf-8")
