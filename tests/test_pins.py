"""pyproject.toml, constraints.txt and environment.yml name the same packages and versions."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def runtime_ranges() -> dict[str, Requirement]:
    requirements = [Requirement(text) for text in PROJECT["project"]["dependencies"]]
    return {canonicalize_name(item.name): item for item in requirements}


def pins(python: str = "3.11") -> dict[str, str]:
    environment = {**default_environment(), "python_full_version": f"{python}.7"}
    environment["python_version"] = python
    found = {}
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        item = Requirement(line)
        if item.marker is None or item.marker.evaluate(environment):
            found[canonicalize_name(item.name)] = next(iter(item.specifier)).version
    return found


def conda_pins() -> dict[str, str]:
    document = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    pairs = [item.split("=") for item in document["dependencies"] if isinstance(item, str)]
    return {canonicalize_name(pair[0]): pair[1] for pair in pairs if len(pair) == 2}


def test_every_runtime_package_is_pinned_inside_its_range():
    for name, requirement in runtime_ranges().items():
        assert name in pins(), f"{name} has no line in constraints.txt"
        assert requirement.specifier.contains(pins()[name]), name


def test_conda_names_and_versions_equal_the_pins():
    conda = {name: version for name, version in conda_pins().items() if name != "python"}
    assert conda == {name: pins()[name] for name in runtime_ranges()}


def test_conda_python_is_one_we_support():
    assert conda_pins()["python"].startswith("3.11")


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt", "environment.yml"])
def test_no_registry_address(name: str):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"^\s*-(-|i\b|f\b)", text, flags=re.MULTILINE)


def test_every_package_of_the_tree_is_in_the_wheel_list():
    on_disk = {
        ".".join(path.parent.relative_to(ROOT).parts) for path in ROOT.glob("sna/**/__init__.py")
    }
    assert {*PROJECT["tool"]["setuptools"]["packages"]} == {*on_disk, "sna.notebooks"}
