"""Runs: every failure on its own, nothing done twice, nothing half published."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path

import nbformat
import pytest
from filelock import FileLock
from jupyter_client.provisioning import KernelProvisionerFactory
from report_fixture import Borough, notebook

from sna import store
from sna.batch import kernels, plan_jobs, run_reports, show
from sna.batch.run import run_job
from sna.definitions import find_borough
from sna.errors import SnaError, UsageError
from sna.reporting import borough as reports
from sna.reporting import notebooks as nb
from sna.settings import Settings

TESTS = str(Path(__file__).parent)
SETTINGS = Settings()
STORE = json.dumps({"format": store.FORMAT})


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A folder with notebooks, a store that answers for every borough, and a place for reports."""
    place = tmp_path / "père noël and son"  # blanks and letters beyond ASCII
    (place / "processed").mkdir(parents=True)
    (place / "processed" / "store.json").write_text(STORE, encoding="utf-8")

    def load(text, **given):
        return Borough(*find_borough(text))

    monkeypatch.setattr(store, "load_borough", load, raising=False)
    monkeypatch.setattr(nb, "notebook_path", lambda name: place / f"{name}.ipynb")
    monkeypatch.setenv("SNA_PROCESSED", "")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(TESTS).parent), TESTS]))
    write(place)
    return place


def write(house, extra=""):
    nbformat.write(notebook(TESTS, extra=extra), house / "02_trend.ipynb")


def plan(house, *names, **more):
    more = {"only": "02_trend", "processed": house / "processed",
            "reports": house / "reports", "to": "2025-03"} | more  # fmt: skip
    return plan_jobs(names or ["Hackney", "Hillingdon"], SETTINGS, **more)


def run(house, *names, jobs=None, **more):
    return run_reports(jobs or plan(house, *names), SETTINGS, quiet=True, **more)


def pages(house):
    return {
        path.relative_to(house / "reports").as_posix(): path.read_bytes()
        for path in sorted((house / "reports").rglob("*"))
        if path.suffix in (".html", ".csv")
    }


def statuses(outcomes):
    return {outcome.job.borough_name: outcome.status for outcome in outcomes}


class Rendered:
    """Stands in for the rendering of one borough: writes a page, or does what it is told."""

    def __init__(self, monkeypatch, **acts):
        self.acts, self.made = acts, []
        monkeypatch.setattr(reports, "render_borough", self)
        monkeypatch.setattr(kernels, "use_forked_kernels", lambda: None)

    def __call__(self, code, *, edition, reports, **given):
        self.made.append(code)
        if code in self.acts:
            self.acts[code]()
        folder = Path(reports) / code / edition
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "index.html").write_text(f"{code} {edition}", encoding="utf-8")
        return folder


HACKNEY, HILLINGDON = "E09000012", "E09000017"


def test_plan_is_one_job_a_borough_and_edition(house):
    jobs = plan(house, "hackney", "E09000017", "Hackney", edition="public, partner")
    assert [job.name for job in jobs] == [
        "Hackney (public)", "Hillingdon (public)", "Hackney (partner)", "Hillingdon (partner)",
    ]  # fmt: skip
    assert len(plan_jobs((), SETTINGS)) == 33


def test_all_means_the_boroughs_of_the_settings_or_those_the_store_holds(house):
    files = {"offences/E09000012.parquet": {}, "people/E09000017.1.parquet": {}}
    state = json.dumps({"format": store.FORMAT, "files": files})
    (house / "processed" / "store.json").write_text(state, encoding="utf-8")
    held = plan_jobs((), SETTINGS, processed=house / "processed")
    assert [job.borough_name for job in held] == ["Hackney", "Hillingdon"]
    named = plan_jobs((), Settings(boroughs=("Brent",)), processed=house / "processed")
    assert [job.borough_name for job in named] == ["Brent"]


def test_plan_refuses_an_edition_that_is_not_known(house):
    with pytest.raises(UsageError, match="edition is not known"):
        plan(house, edition="secret")


def test_failed_borough_leaves_the_others_and_its_last_good_pages(house, monkeypatch, capsys):
    rendered = Rendered(monkeypatch)
    run(house)
    good = pages(house)

    def fail():
        raise SnaError("It broke.", where="notebook 02_trend, cell 4", found="a secret value")

    rendered.acts[HACKNEY] = fail
    outcomes, code = run(house)
    assert statuses(outcomes) == {"Hackney": "failed", "Hillingdon": "done"}
    assert code == 1
    assert pages(house) == good
    said = capsys.readouterr().out
    assert "notebook 02_trend, cell 4" in said
    assert "sna report Hackney --edition public --to 2025-03 --only 02_trend" in said
    assert "1 done, 1 failed, 0 skipped" in said


def left_by_run(house):
    """Return the text of every log and record that runs have left."""
    left = [p for p in (house / "reports").rglob("*") if p.suffix in (".log", ".json")]
    return "".join(path.read_text(encoding="utf-8") for path in left)


def test_log_and_record_quote_no_value_of_an_error(house, monkeypatch):
    def fail():
        raise ValueError("victim is Jo Bloggs, 17")

    Rendered(monkeypatch, **{HACKNEY: fail})
    run(house)
    text = left_by_run(house)
    assert "ValueError" in text
    assert "Bloggs" not in text
    record = json.loads((house / "reports" / "last_run.json").read_text(encoding="utf-8"))
    assert record["exit_code"] == 1
    assert [job["status"] for job in record["jobs"]].count("failed") == 1


def test_what_a_run_leaves_holds_no_whole_path_of_a_file_that_failed(house, monkeypatch):
    def fail():
        raise PermissionError(13, "denied", "/home/jo.bloggs/02_trend.html")

    Rendered(monkeypatch, **{HACKNEY: fail})
    run(house)
    text = left_by_run(house)
    assert "02_trend.html" in text
    assert "bloggs" not in text


@pytest.mark.parametrize("code", [2, 3, 4, 5])
def test_exit_code_of_a_single_borough_is_that_of_its_error(house, monkeypatch, code):
    class SpecialError(SnaError):
        exit_code = code

    def fail():
        raise SpecialError("No.")

    Rendered(monkeypatch, **{HACKNEY: fail})
    assert run(house, "Hackney")[1] == code
    assert run(house, "Hackney", everyone=True)[1] == 1  # --all of a store with one borough


def test_resume_does_only_what_is_needed(house, monkeypatch):
    rendered = Rendered(monkeypatch)
    run(house)
    outcomes, code = run(house, resume=True)
    assert set(statuses(outcomes).values()) == {"skipped"}
    assert code == 0
    assert len(rendered.made) == 2
    own = house / "processed" / "offences"
    own.mkdir()
    (own / f"{HACKNEY}.parquet").write_bytes(b"new")
    assert statuses(run(house, resume=True)[0]) == {"Hackney": "done", "Hillingdon": "skipped"}
    (house / "processed" / "store.json").write_text(f"{STORE} ", encoding="utf-8")
    assert set(statuses(run(house, resume=True)[0]).values()) == {"done"}


def test_resume_makes_again_what_was_removed_or_is_asked_otherwise(house, monkeypatch):
    Rendered(monkeypatch)
    run(house)
    (house / "reports" / HACKNEY / "public" / "index.html").unlink()
    assert statuses(run(house, resume=True)[0]) == {"Hackney": "done", "Hillingdon": "skipped"}
    other = plan(house, "Hillingdon", to="2024-12")
    assert statuses(run(house, jobs=other, resume=True)[0]) == {"Hillingdon": "done"}


@pytest.mark.parametrize("change", ["contact", "approval", "weights"])
def test_resume_makes_again_what_shows_a_name_an_approval_or_an_own_table(
    house, monkeypatch, change
):
    Rendered(monkeypatch)
    (house / "records").mkdir()
    given = {"qa": {"contact": "first"}, "places": {"harm_weights": "w.csv"}, "root": house}
    settings = Settings.model_validate(given)
    jobs = plan(house, "Hackney")
    assert statuses(run_reports(jobs, settings, quiet=True)[0]) == {"Hackney": "done"}
    again = run_reports(jobs, settings, resume=True, quiet=True)[0]
    assert statuses(again) == {"Hackney": "skipped"}
    if change == "contact":
        settings = Settings.model_validate(given | {"qa": {"contact": "second"}})
    else:
        name = {"approval": "records/qa_log.csv", "weights": "w.csv"}[change]
        (house / name).write_text("new", encoding="utf-8")
    again = run_reports(jobs, settings, resume=True, quiet=True)[0]
    assert statuses(again) == {"Hackney": "done"}


def test_resume_survives_a_state_file_cut_short(house, monkeypatch):
    Rendered(monkeypatch)
    run(house, "Hackney")
    (job,) = plan(house, "Hackney")
    job.state_file.write_text('{"key": "ab', encoding="utf-8")
    assert statuses(run(house, "Hackney", resume=True)[0]) == {"Hackney": "done"}


@pytest.mark.parametrize(("allowed", "code"), [(False, 3), (True, 6)])
def test_a_store_that_lacks_rows_is_refused_unless_that_is_allowed(
    house, monkeypatch, capsys, allowed, code
):
    Rendered(monkeypatch)
    state = {"format": store.FORMAT, "partial": ["odd.csv"]}
    (house / "processed" / "store.json").write_text(json.dumps(state), encoding="utf-8")
    try:
        assert run(house, allow_partial=allowed)[1] == code
    except SnaError as error:
        assert (error.exit_code, error.found, "--allow-partial" in error.do) == (3, "odd.csv", True)
    record = json.loads((house / "reports" / "last_run.json").read_text(encoding="utf-8"))
    assert record["exit_code"] == code
    assert "Too many rows" in record["summary"] or allowed


@pytest.mark.parametrize(
    ("text", "words", "code"),
    [("null", "no store", 2), ('{"format": 0}', "another version", 2), ("{", "cannot be read", 3)],
)
def test_an_old_or_missing_store_is_said_once_with_what_to_do(
    house, monkeypatch, text, words, code
):
    rendered = Rendered(monkeypatch)
    (house / "processed" / "store.json").write_text(text, encoding="utf-8")
    with pytest.raises(SnaError, match=words) as caught:
        run(house)
    assert "sna build" in caught.value.do
    assert not rendered.made
    assert json.loads((house / "reports" / "last_run.json").read_text())["exit_code"] == code


def test_the_printed_command_plans_the_job_again(house, monkeypatch):
    import shlex

    from typer.main import get_command

    from sna.cli import app

    (job,) = plan(house, "Barking and Dagenham", profile="london_2023")
    words = shlex.split(job.command)[2:]
    asked = get_command(app).commands["report"].make_context("report", words).params
    given = {name: asked[name] for name in ("to", "edition", "profile", "only")}
    folders = {name: Path(asked[name]) for name in ("processed", "reports")}
    assert plan_jobs(asked["boroughs"], SETTINGS, **given, **folders) == [job]


class ClockSetBack:
    """A clock that a person has set back by two years since the last run."""

    @staticmethod
    def now(zone):
        return datetime.now(zone) - timedelta(days=730)


def test_a_clock_set_back_or_files_from_the_future_change_nothing(house, monkeypatch):
    Rendered(monkeypatch)
    run(house)
    before = pages(house)
    monkeypatch.setattr(show, "datetime", ClockSetBack)
    for path in (house / "processed").rglob("*"):
        os.utime(path, (4e9, 4e9))
    outcomes, code = run(house, resume=True)
    assert (set(statuses(outcomes).values()), code) == ({"skipped"}, 0)
    assert pages(house) == before
    logs = sorted((house / "reports" / ".runs").glob("*.log"))
    years = [int(log.name[:4]) for log in logs]
    assert len(logs) == 2
    assert years[1] - years[0] in (1, 2)
    record = json.loads((house / "reports" / "last_run.json").read_text(encoding="utf-8"))
    assert record["seconds"] >= 0
    assert "2 skipped" in record["summary"]


def test_a_second_run_over_the_same_folder_is_refused(house, monkeypatch):
    Rendered(monkeypatch)
    (house / "reports" / ".runs").mkdir(parents=True)
    with (
        FileLock(house / "reports" / ".runs" / "lock"),
        pytest.raises(SnaError, match="Another run"),
    ):
        run(house)


def test_interrupt_keeps_what_is_done_and_returns_130(house, monkeypatch, capsys):
    noted, stopping, note = threading.Event(), threading.Event(), show.Run.note

    def note_and_say(run_, outcome):
        note(run_, outcome)
        noted.set()

    def stop():
        noted.wait(60)  # Hackney is done and noted: the run waits for Hillingdon
        for _ in range(6):  # a person, too, presses again when nothing happens
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            if stopping.wait(10):
                return

    monkeypatch.setattr(show.Run, "note", note_and_say)
    monkeypatch.setattr(kernels, "kill_kernels", stopping.set)  # after what waits was cancelled
    rendered = Rendered(monkeypatch, **{HILLINGDON: stop})
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        outcomes, code = run(house, "Hackney", "Hillingdon", "Brent", workers=1)
    finally:
        signal.signal(signal.SIGINT, before)
    assert code == 130
    assert statuses(outcomes)["Hackney"] == "done"
    assert statuses(outcomes)["Brent"] == "stopped"
    assert "E09000005" not in rendered.made
    assert json.loads((house / "reports" / "last_run.json").read_text())["exit_code"] == 130


def test_unreachable_scheduler_is_an_error_with_advice(house, monkeypatch):
    import distributed

    def refuse(*_, **__):
        raise OSError

    Rendered(monkeypatch)
    monkeypatch.setattr(distributed, "Client", refuse)
    with pytest.raises(SnaError, match="does not answer"):
        run(house, scheduler="tcp://127.0.0.1:9")


@pytest.mark.notebook
@pytest.mark.skipif(not kernels.can_fork(), reason="kernels are forked on Linux only")
def test_forked_kernels_make_the_pages_that_ordinary_ones_make(house, monkeypatch):
    outcomes, code = run(house)
    assert code == 0, outcomes
    forked = pages(house)
    assert any("E09000012" in name or "hackney" in name for name in forked)
    monkeypatch.setattr(
        KernelProvisionerFactory.instance(), "default_provisioner_name", "local-provisioner"
    )
    reports.render_borough("Hackney", notebooks=["02_trend"], processed=house / "processed",
                           reports=house / "plain", end_month="2025-03")  # fmt: skip
    for path in sorted((house / "plain" / "hackney").rglob("*.html")):
        name = path.relative_to(house / "plain").as_posix()
        assert path.read_bytes() == forked[name], name


@pytest.mark.notebook
@pytest.mark.skipif(not kernels.can_fork(), reason="kernels are forked on Linux only")
def test_every_kernel_is_fresh_and_shows_its_own_borough(house):
    write(house, "assert 'seen' not in dir(sna); sna.seen = borough\nPr = 0")
    outcomes, code = run(house, "Hackney", "Hillingdon", "Brent")
    assert code == 0, outcomes
    for name, own in (("hackney", "E09000012"), ("hillingdon", "E09000017")):
        text = (house / "reports" / name / "public" / "02_trend.html").read_text(encoding="utf-8")
        assert own in text
        assert {"E09000012", "E09000017", "E09000005"} - {own} and "E09000005" not in text


@pytest.mark.notebook
def test_notebooks_of_one_borough_run_side_by_side_where_workers_are_free(house):
    write(house, "import time; time.sleep(1)")
    shutil.copy(house / "02_trend.ipynb", house / "03_hotspots.ipynb")
    kept, overlap = [], []
    for workers in (1, 2):
        jobs = plan(house, "Hackney", only="02_trend,03_hotspots")
        assert run(house, jobs=jobs, workers=workers)[1] == 0
        folder = house / "reports" / "hackney" / ".executed" / "public"
        ran = [nbformat.read(folder / f"{name}.ipynb", 4) for name in ("02_trend", "03_hotspots")]
        first, second = (one.metadata.papermill for one in ran)
        overlap.append(second.start_time < first.end_time)
        kept.append(pages(house))
    assert overlap == [False, True]
    assert kept[0] == kept[1]
    assert {"hackney/public/02_trend.html", "hackney/public/03_hotspots.html"} <= set(kept[0])


@pytest.mark.notebook
@pytest.mark.skipif(not kernels.can_fork(), reason="kernels are forked on Linux only")
def test_a_bad_cell_fails_its_borough_and_nothing_else(house, monkeypatch):
    monkeypatch.setenv("SNA_CELL_TIMEOUT_S", "2")
    monkeypatch.setenv(kernels.MEMORY_LIMIT, "2500")
    cells = {
        "Hackney": ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "kernel has died"),
        "Brent": ("import time; time.sleep(60)", "more than 2 seconds"),
        "Camden": ("big = bytearray(3 << 30)", "stopped with an error"),
        "Ealing": ("raise RuntimeError('no')", "stopped with an error"),
    }
    write(house, "\n".join(f"if borough == '{find_borough(name)[0]}':\n    {cell}"
                           for name, (cell, _) in cells.items()))  # fmt: skip
    outcomes, code = run(house, *cells, "Hillingdon")
    assert code == 1
    found = {outcome.job.borough_name: outcome for outcome in outcomes}
    assert found["Hillingdon"].status == "done", found
    for name, (_, words) in cells.items():
        assert words in found[name].error.what
        assert "02_trend" in found[name].error.where
        assert not (house / "reports" / name.casefold() / "public").exists()


@pytest.mark.notebook
@pytest.mark.skipif(not kernels.can_fork(), reason="kernels are forked on Linux only")
def test_kernels_of_a_killed_run_end_with_it(house):
    code = (
        "import time\nfrom sna.batch import kernels\n"
        "if __name__ == '__main__':\n"
        "    from jupyter_client.manager import start_new_kernel\n"
        "    kernels.use_forked_kernels()\n"
        "    manager, client = start_new_kernel()\n"
        "    print(manager.provisioner.pid, flush=True)\n"
        "    time.sleep(60)\n"
    )
    (house / "hold.py").write_text(code, encoding="utf-8")
    run_ = subprocess.Popen([sys.executable, "hold.py"], cwd=house, stdout=subprocess.PIPE)
    assert run_.stdout
    kernel = int(run_.stdout.readline())
    run_.kill()
    run_.wait()
    run_.stdout.close()
    for _ in range(100):
        if not Path(f"/proc/{kernel}").exists():
            break
        time.sleep(0.1)
    assert not Path(f"/proc/{kernel}").exists()


def test_job_that_cannot_load_is_an_outcome_not_an_exception(house, monkeypatch):
    def refuse(*_, **__):
        raise ValueError("no store")

    monkeypatch.setattr(kernels, "use_forked_kernels", lambda: None)
    monkeypatch.setattr(store, "load_borough", refuse)
    (job,) = plan(house, "Hackney")
    assert run_job(job).status == "failed"


def test_a_month_or_a_definition_that_cannot_be_meant_is_one_error_before_anything_runs(house):
    with pytest.raises(UsageError, match="not a month"):
        plan_jobs(["Hackney"], SETTINGS, to="2025-13", processed=house)
    with pytest.raises(SnaError, match="londn"):
        plan_jobs(["Hackney"], SETTINGS, profile="londn", processed=house)


def test_a_quiet_table_quotes_no_value(house):
    (job,) = plan_jobs(["Hackney"], SETTINGS, processed=house)
    error = SnaError("A cell failed.", where="cell 3", found="Ann Smith\n1990", do="Look at it.")
    outcome = show.Outcome(job, "failed", error=error)
    assert "Ann Smith" in outcome.tell()
    assert "1990" not in outcome.tell(quiet=True)
    assert "Look at it." in outcome.tell(quiet=True)
