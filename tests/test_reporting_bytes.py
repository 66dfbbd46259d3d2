"""The real notebooks, twice on the same input: what is shared has the same bytes."""

import hashlib
import io
import json
import zipfile

import pytest
from report_site import reports

pytestmark = [pytest.mark.notebook, pytest.mark.slow]


def shared(folder):
    """Return the bytes of every file, and of every file inside an archive."""
    found = {}
    for path in (path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        if not name.startswith(".") and "/." not in name and path.name != "last_run.json":
            found[name] = path.read_bytes()
        if path.suffix == ".zip":
            with zipfile.ZipFile(io.BytesIO(found[name])) as archive:
                found |= {f"{name}!{n}": archive.read(n) for n in archive.namelist()}
    return found


def test_two_runs_differ_in_the_run_record_only():
    """The second runs with another hash seed, time zone, folder and working language."""
    first = shared(reports("simulated"))
    other = {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "LC_ALL": "C.UTF-8"}
    second = shared(reports("simulated", "second", **other))
    assert first.keys() == second.keys()
    unlike = {name for name in first if first[name] != second[name]}
    assert unlike <= {f"hackney/{edition}/run.json" for edition in ("public", "partner")}
    kinds = {name.rsplit(".", 1)[1] for name in first}
    assert {"html", "csv", "zip", "xlsx", "json"} <= kinds
    for edition in ("public", "partner"):
        records = [json.loads(made[f"hackney/{edition}/run.json"]) for made in (first, second)]
        for one in records[0]["outputs"]:  # the record names the bytes that are there
            held = first[f"hackney/{edition}/{one['path']}"]
            assert one["sha256"] == hashlib.sha256(held).hexdigest()
        for record in records:
            for name in ("run_id", "finished", "steps", "commit", "dirty"):
                record.pop(name, None)
        changed = {name for name in records[0] if records[0][name] != records[1].get(name)}
        assert changed <= {"settings"}, changed
