"""The recipes of docs/scheduling.md and the wheel: what can run here is run, the rest is parsed."""

import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent


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
