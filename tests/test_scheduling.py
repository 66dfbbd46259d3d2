"""The recipes of docs/scheduling.md, and the wheel they run: what can run here is run.

The wheel is installed in an environment of its own, in a folder whose name has a blank and a letter
beyond ASCII, and its commands run there, outside the source tree.
"""

import ast
import configparser
import json
import os
import shutil
import subprocess
import sys
import types
import venv
import xml.etree.ElementTree as ET
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from test_pins import pins

from sna.definitions import find_borough

ROOT = Path(__file__).parent.parent
UNIX = pytest.mark.skipif(os.name == "nt", reason="a recipe for a Unix shell")


def blocks(kind):
    """Return the code blocks of one language in the page on scheduling."""
    text = (ROOT / "docs" / "scheduling.md").read_text(encoding="utf-8")
    parts = text.split(f"```{kind}\n")[1:]
    return [part.split("```")[0] for part in parts]


def cron_command():
    line = next(line for line in "\n".join(blocks("cron")).splitlines() if "sna report" in line)
    return line.split(None, 5)[5]


def systemd_commands():
    """Return what the service of the systemd recipe starts, in order."""
    lines = "\n".join(blocks("ini")).splitlines()
    return [line.partition("=")[2] for line in lines if line.startswith("ExecStart=")]


def workflow():
    (text,) = blocks("yaml")
    return yaml.safe_load(text)


def workflow_commands(borough):
    """Return the steps of the workflow after the environment is made, for one borough."""
    steps = workflow()["jobs"]["report"]["steps"]
    lines = [step["run"] for step in steps if "sna" in step.get("run", "")]
    return [line.replace("${{ matrix.borough }}", borough) for line in lines]


def airflow_commands(monkeypatch):
    """Return the commands of the Airflow recipe in the order of its graph, by a stand-in."""
    made = []

    class Operator:
        def __init__(self, **given):
            made.append(given)

        def __rshift__(self, other):
            return other

    class Dag:
        def __init__(self, *_, **__):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

    for name, more in (("airflow", {"DAG": Dag}), ("airflow.operators", {}),
                       ("airflow.operators.bash", {"BashOperator": Operator})):  # fmt: skip
        module = types.ModuleType(name)
        vars(module).update(more)
        monkeypatch.setitem(sys.modules, name, module)
    (text,) = blocks("python")
    exec(compile(text, "recipe", "exec"), {})
    return [given["bash_command"] for given in made]


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
    (job,) = workflow()["jobs"].values()
    assert job["strategy"]["fail-fast"] is False
    assert [find_borough(name)[1] for name in job["strategy"]["matrix"]["borough"]]
    assert len(workflow_commands("Hackney")) == 2


def test_airflow_and_systemd_recipes_can_be_parsed():
    (task,) = blocks("python")
    assert "DAG" in {node.id for node in ast.walk(ast.parse(task)) if isinstance(node, ast.Name)}
    parsed = configparser.ConfigParser(strict=False, interpolation=None)
    parsed.read_string("\n".join(blocks("ini")))
    assert {"Service", "Timer"} <= set(parsed.sections())


@UNIX
@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not here")
def test_timer_runs_on_the_sixth_of_each_month():
    calendar = next(line for line in "\n".join(blocks("ini")).splitlines() if "OnCalendar" in line)
    words = ["systemd-analyze", "calendar", calendar.partition("=")[2]]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    assert "*-*-06 02:30:00" in done.stdout


@UNIX
def test_cron_line_passes_the_exit_code_on(tmp_path):
    fake = tmp_path / ".venv" / "bin"
    fake.mkdir(parents=True)
    script = '#!/bin/sh\necho "$@" >> called\n[ "$1" = build ]\n'  # the reports fail
    (fake / "sna").write_text(script, encoding="utf-8")
    (fake / "sna").chmod(0o755)
    command = cron_command().replace("/srv/sna", str(tmp_path))
    done = subprocess.run(["sh", "-c", command], check=False)
    called = (tmp_path / "called").read_text(encoding="utf-8").splitlines()
    assert called == ["build", "report --all --resume --quiet"]
    assert done.returncode == 1


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel built from a copy of what git keeps, so that nothing else can slip in."""
    place = tmp_path_factory.mktemp("wheel")
    for name in ("sna", "notebooks"):
        ignored = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
        shutil.copytree(ROOT / name, place / "tree" / name, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, place / "tree" / name)
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--outdir",
        str(place),
        str(place / "tree"),
    ]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr).decode()[-2000:]
    (made,) = place.glob("*.whl")
    return made


def asked_for(name):
    """Return the names of all packages that a package needs, and those need, in this environment."""
    todo, found = [Requirement(name)], set()
    while todo:
        item = todo.pop()
        new = {(canonicalize_name(item.name), extra) for extra in ("", *item.extras)} - found
        found |= new
        asked = [Requirement(text) for text in metadata.requires(item.name) or [] if new]
        todo += [r for r in asked for _, extra in new
                 if r.marker is None or r.marker.evaluate({"extra": extra})]  # fmt: skip
    return sorted({package for package, _ in found} - {name})


def link_packages(folder):
    """Link the pinned packages that ours needs into an environment, as pip would unpack them."""
    (site,) = folder.rglob("site-packages")
    pinned = pins(f"{sys.version_info.major}.{sys.version_info.minor}")
    for package in map(metadata.distribution, asked_for("sna")):
        if package.version != pinned.get(canonicalize_name(package.name)):
            continue  # pip fetches what is not pinned, or pinned otherwise
        for file in package.files:
            outside = file.parts[0] == ".."  # data, beside the folder of packages
            new = site / (file if outside else file.parts[0])
            if "bin" not in file.parts and new.name != "__pycache__" and not new.exists():
                new.parent.mkdir(parents=True, exist_ok=True)
                old = Path(package.locate_file(file if outside else file.parts[0]))
                new.symlink_to(old.resolve(), target_is_directory=old.is_dir())


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A folder away from the source tree whose .venv holds the wheel and the pinned packages."""
    place = tmp_path_factory.mktemp("srv") / "työ kansio"
    venv.create(place / ".venv")
    link_packages(place / ".venv")
    python = place / ".venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    command = [sys.executable, "-I", "-m", "pip", "--python", str(python), "install", "-q",
               "--constraint", str(ROOT / "constraints.txt"), str(wheel)]  # fmt: skip
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr).decode()[-2000:]
    (place / "sna.toml").write_text('boroughs = ["Hackney"]\n', encoding="utf-8")
    return place


def run_there(folder, command):
    """Run a shell's command in the folder, as a scheduler does: few variables, no network."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    cut = ["unshare", "--net"]  # where this is allowed
    if not shutil.which("unshare") or subprocess.run([*cut, "true"], check=False).returncode:
        cut = []
    command = command.replace("/srv/sna", f'"{folder}"')
    done = subprocess.run([*cut, "sh", "-c", command], cwd=folder, capture_output=True, check=False,
                          env={**kept, "PYTHONIOENCODING": "cp1252"})  # fmt: skip
    return done.returncode, (done.stdout + done.stderr).decode()


@pytest.mark.slow
def test_wheel_holds_what_a_run_needs(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    for wanted in ("sna/sample/planted.toml", "sna/definitions/offence_codes.csv",
                   "sna/templates/sna/index.html.j2", "sna/notebooks/02_trend.ipynb"):  # fmt: skip
        assert wanted in names, wanted
    points = next(name for name in names if name.endswith("entry_points.txt"))
    assert "sna-forked" in zipfile.ZipFile(wheel).read(points).decode()


@UNIX
@pytest.mark.slow
@pytest.mark.notebook
def test_installed_wheel_samples_builds_and_reports_and_every_recipe_runs(installed, monkeypatch):
    sample = ".venv/bin/sna sample --boroughs Hackney,Camden --months 24 --scale 0.05"
    for command in (sample, *workflow_commands("Hackney")):  # sna build, sna report "Hackney"
        code, said = run_there(installed, command)
        assert code == 0, said
    public = installed / "reports" / "hackney" / "public"
    assert (public / "index.html").is_file()
    assert (public / "02_trend.html").is_file()
    record = json.loads((public / "run.json").read_text(encoding="utf-8"))
    assert record["settings"]["boroughs"] == ["Hackney"]
    assert str(installed) not in json.dumps(record)
    for command in (cron_command(), *systemd_commands(), *airflow_commands(monkeypatch)):
        code, said = run_there(installed, command)
        assert code == 0, (command, said)
    last = json.loads((installed / "reports" / "last_run.json").read_text(encoding="utf-8"))
    assert last["summary"].startswith("0 done, 0 failed, 1 skipped")
    assert "1 skipped" in (installed / "cron.log").read_text(encoding="utf-8")
