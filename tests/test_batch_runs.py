"""Whole runs: killed and resumed, on Dask with a worker lost, from the plain commands."""

import json
import os
import random
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import nbformat
import pytest
import yaml
from report_fixture import notebook

from sna import store
from sna.batch import kernels

TESTS = Path(__file__).parent
ROOT = TESTS.parent
CODES = ["E09000012", "E09000017", "E09000005", "E09000007"]
LINUX = pytest.mark.skipif(not kernels.can_fork(), reason="kernels are forked on Linux only")


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A folder with one notebook and an environment in which `run_house` answers."""
    (tmp_path / "processed").mkdir()
    (tmp_path / "processed" / "store.json").write_text(
        json.dumps({"format": store.FORMAT}), encoding="utf-8"
    )
    nbformat.write(notebook(str(TESTS)), tmp_path / "02_trend.ipynb")
    monkeypatch.setenv("SNA_TEST_HOUSE", str(tmp_path))
    monkeypatch.setenv("SNA_PROCESSED", str(tmp_path / "processed"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(TESTS)]))
    monkeypatch.setenv("PYTHONIOENCODING", "cp1252")
    return tmp_path


def start(reports):
    return subprocess.Popen([sys.executable, "run_house.py", str(reports), *CODES], cwd=TESTS,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # fmt: skip


def pages(reports):
    return {
        path.relative_to(reports).as_posix(): path.read_bytes()
        for path in sorted(reports.rglob("*"))
        if path.suffix in (".html", ".csv") and path.relative_to(reports).parts[0] != ".runs"
    }


@LINUX
@pytest.mark.notebook
@pytest.mark.slow
def test_run_killed_three_times_and_resumed_ends_with_the_same_bytes(house):
    whole = start(house / "whole")
    said = whole.communicate(timeout=120)[0].decode()
    assert whole.returncode == 0, said
    chance = random.Random(11)
    for _ in range(3):
        run = start(house / "killed")
        time.sleep(chance.uniform(1.5, 6))
        run.kill()
        run.communicate()
    last = start(house / "killed")
    said = last.communicate(timeout=120)[0].decode()
    assert last.returncode == 0, said
    assert pages(house / "killed") == pages(house / "whole")
    assert len([name for name in pages(house / "whole") if name.endswith("02_trend.html")]) == 4
    left = list((house / "killed").rglob("*.new"))
    assert not left


@LINUX
@pytest.mark.notebook
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_dask_gives_the_same_bytes_though_a_worker_is_killed(house, monkeypatch):
    import dask
    from distributed import Client, LocalCluster

    monkeypatch.syspath_prepend(str(TESTS))
    monkeypatch.setattr(store, "load_borough", store.load_borough)  # run_house puts its own there
    import run_house

    from sna.batch import run_reports
    from sna.settings import Settings

    here = start(house / "here")
    said = here.communicate(timeout=120)[0].decode()
    assert here.returncode == 0, said
    changed = {"distributed.worker.daemon": False, "distributed.worker.preload": ["run_house"]}
    with (
        dask.config.set(changed),
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
    ):
        with Client(cluster) as client:
            workers = client.run(os.getpid)
        victim = threading.Timer(3, os.kill, (next(iter(workers.values())), 9))
        victim.start()
        jobs = run_house.plan(house / "dask", CODES)
        outcomes, code = run_reports(jobs, Settings(), scheduler=cluster.scheduler_address)
        victim.join()
    assert code == 0, outcomes
    assert pages(house / "dask") == pages(house / "here")


@pytest.mark.notebook
@pytest.mark.slow
def test_plain_papermill_runs_a_notebook_without_us(house):
    made = house / "out.ipynb"
    command = ["papermill", str(house / "02_trend.ipynb"), str(made), "-p", "borough", "Hillingdon"]
    done = subprocess.run([sys.executable, "-m", *command], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    cells = nbformat.read(made, as_version=4).cells
    assert any('borough = "Hillingdon"' in cell.source for cell in cells)


def blocks(kind):
    """Return the code blocks of one language in the page on scheduling."""
    text = (ROOT / "docs" / "scheduling.md").read_text(encoding="utf-8")
    parts = text.split(f"```{kind}\n")[1:]
    return [part.split("```")[0] for part in parts]


def options():
    from typer.main import get_command

    from sna.cli import app

    return {name for param in get_command(app).commands["report"].params for name in param.opts}


def test_recipes_use_options_that_exist():
    text = (ROOT / "docs" / "scheduling.md").read_text(encoding="utf-8")
    used = {word.strip("`\",<.") for line in text.splitlines() if "sna report" in line
            for word in line.split("sna report")[1].split() if word.startswith("--")}  # fmt: skip
    assert {"--all", "--resume"} <= used <= options() | {"--"}


def test_windows_task_is_well_formed():
    (task,) = blocks("xml")
    root = ET.fromstring(task)
    space = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"
    assert root.tag == f"{space}Task"
    assert root.findtext(f".//{space}WorkingDirectory")
    assert "sna-nightly.cmd" in (root.findtext(f".//{space}Command") or "")


def test_workflow_renders_every_borough_of_its_matrix():
    (workflow,) = blocks("yaml")
    read = yaml.safe_load(workflow)
    (job,) = read["jobs"].values()
    assert job["strategy"]["fail-fast"] is False
    from sna.definitions import find_borough

    assert [find_borough(name)[1] for name in job["strategy"]["matrix"]["borough"]]


def test_airflow_and_systemd_recipes_can_be_parsed():
    import ast
    import configparser

    (task,) = blocks("python")
    assert "DAG" in {node.id for node in ast.walk(ast.parse(task)) if isinstance(node, ast.Name)}
    units = "\n".join(blocks("ini"))
    parsed = configparser.ConfigParser(strict=False, interpolation=None)
    parsed.read_string(units)
    assert {"Service", "Timer"} <= set(parsed.sections())


def test_cron_line_is_what_a_shell_runs(tmp_path):
    line = next(line for line in "\n".join(blocks("cron")).splitlines() if "sna report" in line)
    command = line.split(None, 5)[5]
    fake = tmp_path / ".venv" / "bin"
    fake.mkdir(parents=True)
    (fake / "sna").write_text('#!/bin/sh\necho "$@" > called\nexit 1\n', encoding="utf-8")
    (fake / "sna").chmod(0o755)
    command = command.replace("/srv/sna", str(tmp_path))
    done = subprocess.run(["sh", "-c", command], check=False)
    assert (tmp_path / "called").read_text(encoding="utf-8").split()[:2] == ["report", "--all"]
    assert done.returncode == 1


@pytest.mark.slow
def test_wheel_holds_what_a_run_needs(tmp_path):
    import zipfile

    done = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), "."],
        cwd=ROOT, capture_output=True, check=False,
    )  # fmt: skip
    if done.returncode and b"Backend" in done.stdout + done.stderr:
        pytest.skip("setuptools is not installed here")
    assert done.returncode == 0, (done.stdout + done.stderr).decode()[-2000:]
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for wanted in ("sna/sample/planted.toml", "sna/definitions/offence_codes.csv",
                   "sna/templates/sna/index.html.j2", "sna/notebooks/02_trend.ipynb"):  # fmt: skip
        assert wanted in names, wanted
    points = next(name for name in names if name.endswith("entry_points.txt"))
    assert "sna-forked" in zipfile.ZipFile(wheel).read(points).decode()
