"""What a run leaves behind: facts of its pages, who approved it, the checklist, `run.json`."""

import csv
import hashlib
import json
import platform
import subprocess
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import jsonschema
from jinja2 import Environment

import sna
from sna.disclosure.suppress import published_inputs
from sna.errors import QualityError, TableError
from sna.figures.about import packages, run_facts
from sna.settings import Settings

QA_LOG = "qa_log.csv"
QA_COLUMNS = ("check_id", "date", "stage", "check", "result", "evidence", "who", "role", "version")
DEFINITIONS = Path(__file__).parent.parent / "definitions"
_KEPT = "file sha256 layout rows rows_used rows_rejected first_month last_month licence retrieved"


def front(data: Any, *, draft: str = "") -> dict[str, Any]:
    """Return what stands on every page of a borough's reports; see the template."""
    known, settings = run_facts(data), data.settings
    facts = {name: known[name] for name in ("Area", "Latest data", "Edition", "Review by")}
    facts["Status"] = "Draft" if draft else "Approved"
    facts["Definition"] = f"{known['Definition']}, {data.profile.hash[:10]}"
    if data.edition == "partner":
        facts |= _agreements(data.offences, settings)
    return {
        "edition": data.edition,
        "place": data.borough_name,
        "facts": facts,
        "draft": draft,
        "marking": getattr(settings.markings, data.edition),
        "version": sna.__version__,
        "period": f"latest data {data.end_month:%B %Y}",
        "simulated": data.simulated,
        "contact": settings.qa.contact,
        "home": "index.html",
    }


def _agreements(offences: Any, settings: Settings) -> dict[str, str]:
    """Say how a partner edition is to be handled, and for which sources public rules apply."""
    closed = offences.loc[offences["release_class"].astype("str").ne("open"), "source"]
    lacking = dict.fromkeys(sorted(set(closed.astype("str")) - {*settings.agreements}), "none set")
    for source, day in settings.expired.items():
        lacking[source] = f"review date {day.day} {day:%B %Y} has passed"
    said = {f"Agreement for {s}": f"{why}; public rules apply" for s, why in lacking.items()}
    return {"Handling": settings.markings.handling} | said


def find_headline(tables: Iterable[Mapping[str, Any]], place: str) -> dict[str, str]:
    """Return the yearly rate of a borough as its own report shows it, flags included."""
    for table in tables:
        rows = csv.DictReader(table["csv"].splitlines())
        for row in rows if table["contract"] == "trend_areas" else ():
            if row["area"] == place:
                shown = {key: row.get(key, "[x]") for key in ("offences", "rate")}
                limits = {key: row.get(key, "[x]") for key in ("lower_ci", "upper_ci")}
                return {"measure": table["subtitle"], **shown, **limits}
    return {}


def draft_reason(data: Any, *, edition: str, end_month: str) -> str:
    """Say why a report is a draft, or "" once someone other than its author approved it.

    An approval is a row of `qa_log.csv` with stage ``output``, check ``approval``, result ``pass``
    and the evidence ``E09000012/public/2025-03``. The author is ``[qa] analyst``.
    """
    settings: Settings = data.settings
    author, file = _same(settings.qa.analyst), settings.folder("records") / QA_LOG
    if not author:
        return "No analyst is named in the settings, so nobody can approve this assessment."
    text = file.read_text(encoding="utf-8-sig") if file.is_file() else ",".join(QA_COLUMNS)
    reader = csv.DictReader(text.splitlines())
    if absent := sorted({*QA_COLUMNS} - {*(reader.fieldnames or [])}):
        what, do = f"{QA_LOG} lacks {len(absent)} columns.", f"Its header: {','.join(QA_COLUMNS)}."
        raise TableError(what, where=file.name, found=absent, do=do)
    wanted = ("output", "approval", "pass", f"{data.borough_code}/{edition}/{end_month}")
    who = {
        _same(row["who"] or "")
        for row in reader
        if tuple((row[name] or "").strip() for name in QA_COLUMNS[2:6]) == wanted
    }
    if who - {author, ""}:
        return ""
    said = "Only its author has approved this assessment." if author in who else ""
    return said or "Nobody other than its author has approved this assessment yet."


def _same(name: str) -> str:
    """Return a name without what does not make another person: case, blanks, full stops."""
    return " ".join(name.casefold().replace(".", " ").split())


def checklist(
    record: Mapping[str, Any], settings: Settings, *, today: date | None = None
) -> list[dict[str, str]]:
    """Return level, requirement, whether it is met, and the evidence, which is an expression."""
    loose = loose_inputs(record.get("inputs", []))
    given = {"record": record, "qa": settings.qa, "today": today, "loose": loose}
    made = []
    for row in csv.DictReader((DEFINITIONS / "checklist.csv").read_text("utf-8").splitlines()):
        shown = Environment(autoescape=False).compile_expression(row["evidence"])(**given)
        made.append(
            row | {"met": "yes" if shown else "not yet", "evidence": shown or "nothing yet"}
        )
    return made


def loose_inputs(inputs: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the files of which not every row was used or set aside."""
    parts = ("rows_used", "rows_rejected")
    return [i for i in inputs if i.get("rows") != sum(i.get(part, 0) for part in parts)]


def check_record(record: Mapping[str, Any]) -> None:
    """Raise `QualityError` unless a run record has every part, in its type, and no loose path."""
    schema = json.loads((DEFINITIONS / "run_record.json").read_text(encoding="utf-8"))
    try:
        jsonschema.validate(record, schema)
    except jsonschema.ValidationError as error:
        what, found = "The run record breaks its schema.", f"{error.json_path}: {error.message}"
        do = "Make the report again."
        raise QualityError(what, where="run.json", found=found[:300], do=do) from None


def git_state() -> dict[str, Any]:
    """Return commit and dirty flag of the checkout that ran; unknown (None) outside one."""
    said = []
    for words in (["rev-parse", "HEAD"], ["status", "--porcelain"]):
        given: Any = {"cwd": Path(__file__).parent, "capture_output": True, "text": True}
        try:
            done = subprocess.run(["git", *words], check=True, timeout=10, **given)
        except (OSError, subprocess.SubprocessError):
            return {"git_commit": None, "git_dirty": None}
        said.append(done.stdout.strip())
    return {"git_commit": said[0], "git_dirty": bool(said[1])}


def write_record(folder: Path, data: Any, steps: Mapping[str, float], **more: Any) -> None:
    """Write `run.json`: all that is needed to run again, without paths or names of people."""
    now, profile, until = datetime.now(UTC), data.profile, data.settings.qa.valid_until
    late = f"The review date {until} has passed." if until and until < now.date() else ""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    record = {
        "run_id": f"{data.borough_code}-{data.edition}-{now:%Y%m%dT%H%M%SZ}",
        "place": data.borough_name,
        "finished": now.isoformat(timespec="seconds"),
        "version": sna.__version__,
        **git_state(),
        "python": platform.python_version(),
        "platform": platform.system(),
        "packages": packages(),
        "definition": {"id": profile.id, "version": profile.version, "hash": profile.hash},
        "simulated": data.simulated,
        "marking": getattr(data.settings.markings, data.edition),
        "settings": data.settings.record(),
        "inputs": [*data.inputs],
        "steps": [{"step": name, "seconds": round(spent, 2)} for name, spent in steps.items()],
        "outputs": [
            {
                "path": path.relative_to(folder).as_posix(),
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            }
            for path in files
        ],
        "warnings": [late] if late else [],
        "exit_code": 0,
        **more,
    }
    check_record(record)
    record["checklist"] = checklist(record, data.settings, today=now.date())
    kept, inputs = _KEPT.split(), published_inputs(data)
    record["inputs"] = [{key: row[key] for key in kept if key in row} for row in inputs]
    text = json.dumps(record, indent=1, ensure_ascii=False, default=str)
    (folder / "run.json").write_text(f"{text}\n", encoding="utf-8")
