"""Whole runs in processes of their own: killed, starved, locked out, cut off, and on Dask."""

import json
import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import nbformat
import pytest
from report_fixture import notebook

from sna import store
from sna.batch import kernels
from sna.reporting import notebooks

TESTS = Path(__file__).parent
ROOT = TESTS.parent
CODES = ["E09000012", "E09000017", "E09000005", "E09000007"]
LINUX = pytest.mark.skipif(not kernels.can_fork(), reason="kernels are forked on Linux only")


def furnish(place, monkeypatch):
    """Make a folder with one notebook and an environment in which `run_house` answers."""
    (place / "processed").mkdir()
    (place / "processed" / "store.json").write_text(
        json.dumps({"format": store.FORMAT}), encoding="utf-8"
    )
    nbformat.write(notebook(str(TESTS)), place / "02_trend.ipynb")
    monkeypatch.setenv("SNA_TEST_HOUSE", str(place))
    monkeypatch.setenv("SNA_PROCESSED", str(place / "processed"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(TESTS)]))
    monkeypatch.setenv("PYTHONIOENCODING", "cp1252")
    return place


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A furnished folder of one test."""
    return furnish(tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What a run that nothing disturbs leaves in a house of its own."""
    with pytest.MonkeyPatch.context() as patch:
        place = furnish(tmp_path_factory.mktemp("whole"), patch)
        end(start(place / "reports"))
    return pages(place / "reports")


def start(reports, *more, codes=CODES, before=()):
    words = ["run_house.py", "report", *codes, "--only", "02_trend", "--to", "2025-03"]
    words += ["--reports", str(reports), "--resume", "--workers", "2", *more]
    return subprocess.Popen([*before, sys.executable, *words], cwd=TESTS, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT)  # fmt: skip


def end(run, code=0):
    """Wait for a run to end as it should, and return what it said."""
    said = run.communicate(timeout=600)[0].decode()
    assert run.returncode == code, said
    return said


def pages(reports):
    return {
        path.relative_to(reports).as_posix(): path.read_bytes()
        for path in sorted(reports.rglob("*"))
        if path.suffix in (".html", ".csv", ".zip")
        and path.relative_to(reports).parts[0] != ".runs"
    }


@LINUX
@pytest.mark.notebook
@pytest.mark.slow
def test_run_killed_three_times_and_resumed_ends_with_the_same_bytes(house, whole):
    chance = random.Random(11)
    for _ in range(3):
        run = start(house / "killed")
        time.sleep(chance.uniform(1.5, 6))
        run.kill()
        run.communicate()
    end(start(house / "killed"))
    assert pages(house / "killed") == whole
    assert len([name for name in whole if name.endswith("02_trend.html")]) == 4
    left = list((house / "killed").rglob("*.new"))
    assert not left


@pytest.mark.notebook
@pytest.mark.slow
def test_damaged_table_fails_its_borough_alone_and_is_rebuilt(tmp_path, capsys):
    from sna.batch import plan_jobs, run_reports
    from sna.build import build
    from sna.sample import write_sample
    from sna.settings import Settings

    raw, processed, reports = (tmp_path / name for name in ("raw", "processed", "reports"))
    write_sample(raw, boroughs=("Hackney", "Camden"), months=24, scale=0.03)
    build(raw, processed)

    def run():
        jobs = plan_jobs((), Settings(), only="definition", processed=processed, reports=reports)
        outcomes, code = run_reports(jobs, Settings(), resume=True, quiet=True)
        return {outcome.job.borough_name: outcome.status for outcome in outcomes}, code

    assert run() == ({"Hackney": "done", "Camden": "done"}, 0)
    first = pages(reports)
    table = processed / "offences" / "E09000012.parquet"
    whole = table.read_bytes()
    table.write_bytes(whole[: len(whole) // 2] + b"?" + whole[len(whole) // 2 + 1 :])
    capsys.readouterr()
    assert run() == ({"Hackney": "failed", "Camden": "skipped"}, 1)
    said = capsys.readouterr().out
    assert "E09000012.parquet" in said
    assert "sna build --fresh" in said
    assert f"sna report Hackney --edition public --only definition --processed {processed}" in said
    assert pages(reports) == first  # the last good pages stay
    build(raw, processed, fresh=True)
    assert run() == ({"Hackney": "skipped", "Camden": "skipped"}, 0)  # the same table again
    assert table.read_bytes() == whole


@LINUX
@pytest.mark.notebook
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_dask_gives_the_same_bytes_though_a_worker_is_killed(house, whole, monkeypatch):
    import dask
    from distributed import Client, LocalCluster

    monkeypatch.syspath_prepend(str(TESTS))
    monkeypatch.setattr(store, "load_borough", store.load_borough)  # run_house puts its own there,
    monkeypatch.setattr(notebooks, "notebook_path", notebooks.notebook_path)  # and here
    import run_house  # noqa: F401

    from sna.batch import plan_jobs, run_reports
    from sna.settings import Settings

    changed = {"distributed.worker.daemon": False, "distributed.worker.preload": ["run_house"]}
    with (
        dask.config.set(changed),
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
    ):
        with Client(cluster) as client:
            workers = client.run(os.getpid)
        victim = threading.Timer(3, os.kill, (next(iter(workers.values())), 9))
        victim.start()
        jobs = plan_jobs(CODES, Settings(), only="02_trend", to="2025-03", reports=house / "dask")
        outcomes, code = run_reports(jobs, Settings(), scheduler=cluster.scheduler_address)
        victim.join()
    assert code == 0, outcomes
    assert pages(house / "dask") == whole


@pytest.mark.notebook
@pytest.mark.slow
def test_plain_papermill_runs_a_notebook_without_us(house):
    made = house / "out.ipynb"
    command = ["papermill", str(house / "02_trend.ipynb"), str(made), "-p", "borough", "Hillingdon"]
    done = subprocess.run([sys.executable, "-m", *command], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    cells = nbformat.read(made, as_version=4).cells
    assert any('borough = "Hillingdon"' in cell.source for cell in cells)


@pytest.fixture
def disk(tmp_path):
    """A disk of 8 MB that is ours to fill and to lock; needs the right to mount one."""
    place = tmp_path / "disk é"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(place)]
    if (
        sys.platform != "linux"
        or subprocess.run(mount, check=False, capture_output=True).returncode
    ):
        pytest.skip("no right to mount a disk here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.notebook
@pytest.mark.slow
def test_full_disk_fails_the_run_and_keeps_the_last_good_pages(house, disk):
    end(start(disk / "reports", codes=CODES[:2]))
    good = pages(disk)
    filler = disk / "filler"
    with pytest.raises(OSError, match="No space"), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    nbformat.write(notebook(str(TESTS), question="Is it new?"), house / "02_trend.ipynb")
    (house / "processed" / "new.json").write_text("1", encoding="utf-8")  # so that all is made anew
    said = end(start(disk / "reports", codes=CODES[:2]), 1)
    assert "No space left on device" in said
    assert "free space" in said
    assert "2 failed" in said
    assert pages(disk) == good
    filler.unlink()
    end(start(disk / "reports", codes=CODES[:2]))
    new = pages(disk)
    assert {name for name in good if new[name] != good[name] and name.endswith("trend.html")} == {
        f"reports/{name}/public/02_trend.html" for name in ("hackney", "hillingdon")
    }
    assert not list(disk.rglob("*.new"))


@pytest.mark.slow
def test_read_only_reports_folder_is_said_in_one_message(house, disk):
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    said = end(start(disk / "reports"), 1)
    assert "Read-only file system" in said
    assert str(disk / "reports") in said
    assert "do:" in said
    assert "Traceback" not in said


@pytest.mark.slow
@LINUX
def test_reports_folder_of_somebody_else_is_said_in_one_message(house):
    folder = house / "theirs"
    folder.mkdir(mode=0o555)
    rights = "-dac_override,-dac_read_search"  # without them root is bound by permissions too
    before = ["setpriv", "--bounding-set", rights] if os.geteuid() == 0 else []
    said = end(start(folder / "reports", before=before), 1)
    assert "Permission denied" in said
    assert "do:" in said
    assert "Traceback" not in said


@LINUX
@pytest.mark.notebook
@pytest.mark.slow
def test_of_two_runs_at_once_one_is_refused_and_the_other_is_whole(house, whole):
    runs = [start(house / "reports") for _ in range(2)]
    said = [run.communicate(timeout=600)[0].decode() for run in runs]
    assert sorted(run.returncode for run in runs) == [0, 1], said
    refused = said[[run.returncode for run in runs].index(1)]
    assert "Another run is writing" in refused
    assert "--reports" in refused
    assert pages(house / "reports") == whole


BLOCKED = """
import socket
from pathlib import Path

plain = socket.socket.connect


def connect(self, address):
    if self.family != socket.AF_UNIX and not str(address[0]).startswith(("127.", "::1", "localhost")):
        Path({tried!r}).write_text(str(address), encoding="utf-8")
        raise OSError("the network is blocked")
    return plain(self, address)


socket.socket.connect = connect
socket.getaddrinfo = lambda host, *more, **words: connect(socket.socket(), (host,))
"""


@LINUX
@pytest.mark.notebook
@pytest.mark.slow
def test_a_run_needs_no_network(house, monkeypatch):
    tried = house / "tried"
    (house / "sitecustomize.py").write_text(BLOCKED.format(tried=str(tried)), encoding="utf-8")
    path = os.pathsep.join([str(house), str(ROOT), str(TESTS)])
    monkeypatch.setenv("PYTHONPATH", path)
    code = "import socket; socket.create_connection(('192.0.2.1', 80), 1)"
    probe = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert b"the network is blocked" in probe.stderr
    tried.unlink()
    extra = "import socket\nassert socket.socket.connect.__module__ == 'sitecustomize'\nPr = 0"
    nbformat.write(notebook(str(TESTS), extra=extra), house / "02_trend.ipynb")
    end(start(house / "reports", codes=CODES[:2]))
    assert not tried.exists()


@LINUX
@pytest.mark.notebook
@pytest.mark.slow
def test_words_beyond_cp1252_are_printed_where_the_console_is_cp1252(house):
    extra = "raise ValueError('Žižkov → 東京')"
    nbformat.write(notebook(str(TESTS), extra=extra), house / "02_trend.ipynb")
    said = end(start(house / "Žižkov and son", codes=CODES[:1]), 1)
    assert "Žižkov → 東京" in said
    assert "again: sna report Hackney" in said
    assert "--reports" in said
