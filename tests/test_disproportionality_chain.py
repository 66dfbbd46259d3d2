"""What leaves a chain of stages: its denominators are people too."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from test_disclosure_attack import people_of
from test_disclosure_columns import borough_of

from sna.disproportionality.tables import _as_denominators, compare_chain
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


@pytest.mark.parametrize(("white", "stages"), [(4, 1), (6, 2)])
def test_a_reference_group_too_small_to_show_ends_the_chain(white, stages):
    """With fewer than five White suspects the report of a borough failed."""
    people = people_of({1: 30}).assign(outcome="charged")
    codes = np.array(["W1"] * white + ["B1"] * (30 - white), dtype=object)
    data = borough_of(people.assign(ethnicity_self=codes))
    data.offences["outcome"] = None
    table = compare_chain(data, person_roles=["suspect"])
    assert table["stage"].nunique() == stages
