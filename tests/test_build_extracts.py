"""An extract classified in parts on Dask gives the bands of one read at once, also with a lost worker."""

import os
import signal
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from raw_folder import EXTRACT_MAPPING
from typer.testing import CliRunner

from sna.build.extracts import _steps, classify_in_parts
from sna.classify import classify_offences
from sna.cli import app
from sna.definitions import read_profile
from sna.errors import UsageError
from sna.sources.mapping import read_mapping

MAPPING = f"""{EXTRACT_MAPPING}linked_ref = "Linked"
[flags.is_domestic_abuse]
column = "DA"
true = ["Y"]
false = ["N"]
blank_means = "unknown"
"""


def write_extract(folder: Path, rows: int = 3000) -> Path:
    """Write an invented extract: codes, ages, links to earlier and later rows, repeated persons."""
    rng = np.random.default_rng(7)
    number = np.arange(rows) - (np.arange(rows) % 17 == 3)  # some references have two person rows
    code = rng.choice(["8N", "34B", "5D", "1", "58A", "9A", "49", "66"], rows)
    link = np.where(np.isin(code, ["58A", "49"]), rng.integers(0, rows, rows), -1)
    frame = pd.DataFrame(
        {
            "Ref": [f"R{n:05d}" for n in number],
            "Date": np.where(np.arange(rows) % 211 == 5, "never", "2024-01-05"),
            "Code": code,
            "Age": rng.choice(["17", "30", "", "24"], rows),
            "Victim": [f"V{n}" for n in range(rows)],
            "Borough": "Hackney",
            "Linked": [f"R{n:05d}" if n >= 0 else None for n in link],
            "DA": rng.choice(["Y", "N", ""], rows),
        }
    )
    path = folder / "extract.parquet"
    frame.to_parquet(path, row_group_size=400)
    (folder / "extract.mapping.toml").write_text(MAPPING, encoding="utf-8")
    return path


def _run(path: Path, out: Path, *more: str) -> str:
    words = ["classify", str(path), "--mapping", str(path.with_suffix(".mapping.toml"))]
    result = CliRunner().invoke(app, [*words, "--out", str(out), *more], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout.replace(str(out), "")


@pytest.mark.slow
def test_parts_on_dask_give_the_same_file_and_waterfall_also_when_a_worker_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from distributed import LocalCluster

    monkeypatch.setattr("sna.build.extracts.ROWS_A_PART", 500)
    path = write_extract(tmp_path)
    told = _run(path, tmp_path / "whole.csv")
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster:
        worker = next(iter(cluster.workers.values())).process.pid
        threading.Timer(1.5, os.kill, [worker, signal.SIGKILL]).start()
        again = _run(path, tmp_path / "parts.csv", "--scheduler", cluster.scheduler_address)
    assert (tmp_path / "whole.csv").read_bytes() == (tmp_path / "parts.csv").read_bytes()
    assert told == again
    assert not list(tmp_path.glob(".parts-*"))


def test_only_parquet_is_read_in_parts(tmp_path: Path) -> None:
    path = write_extract(tmp_path, 20)
    shape = read_mapping(path.with_suffix(".mapping.toml"))
    with pytest.raises(UsageError, match="Only Parquet"):
        classify_in_parts(tmp_path / "a.csv", shape, profile="london_2023", scheduler="local")


def test_parts_give_bands_without_a_waterfall_under_an_incomplete_text():
    rows = classify_offences(pd.DataFrame({"offence_code": ["8N"], "victim_age": [17]}))
    assert _steps(rows, read_profile("thames_valley_2024")).empty
    assert len(_steps(rows, read_profile("london_2023"))) == 7
