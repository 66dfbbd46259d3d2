"""The step planted in the simulated London is found at its month, through the whole house."""

import json

import numpy as np
import pandas as pd
import pytest

from sna import trend
from sna.build import build
from sna.sample import write_sample
from sna.store import load_borough

pytestmark = [pytest.mark.slow, pytest.mark.simulation]


def test_the_planted_step_is_found_at_its_month(tmp_path):
    write_sample(tmp_path / "raw", boroughs=["Hillingdon", "Hackney", "Ealing"])
    build(tmp_path / "raw", tmp_path / "processed")
    (truth,) = (tmp_path / "raw").rglob("truth.json")
    planted = json.loads(truth.read_text(encoding="utf-8"))["step_change"]
    panel = trend.load_panel(load_borough(planted["borough"], processed=tmp_path / "processed"))
    found, ratio, p = trend.find_step(panel.series, panel.months, np.log(panel.rest))
    month = panel.months.get_loc(pd.Timestamp(planted["month"]))
    assert abs(found - month) <= 1
    assert ratio == pytest.approx(planted["ratio"], abs=0.1)
    assert p < 0.001
    signals = trend.control_chart(panel)
    assert signals.loc[signals["month"] >= panel.months[month], "signal"].ne("").mean() > 0.5
