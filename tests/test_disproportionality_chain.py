"""What leaves a chain of stages: its denominators are people too."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from sna.disproportionality.tables import _as_denominators
from sna.settings import Settings


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("restricted", [0, np.nan, np.nan, 5, 30, 35]), ("open", [0, 2, 3, 6, 28, 33])],
)
def test_the_stage_before_is_shown_as_published(kind, expected):
    """A denominator printed as it was gave a suppressed group of three people away."""
    people = pd.DataFrame({"month": pd.to_datetime(["2025-03-01"]), "source": "extract"})
    data = SimpleNamespace(edition="public", settings=Settings())
    shown = _as_denominators(
        pd.Series([0, 2, 3, 6, 28, 33]), people.assign(release_class=kind), data
    )
    assert np.array_equal(shown.to_numpy(dtype=float), expected, equal_nan=True)
