"""A small invented London for tests of `sna.trend`: 33 boroughs, seasonal counts, no records."""

from types import SimpleNamespace

import numpy as np
import pandas as pd

from sna import definitions
from sna.settings import Settings


def invented_london(
    *, months=60, mean=60.0, growth=0.0, season=0.0, step=(0, 1.0), seed=1, source="mps_borough",
    borough="E09000012", end="2025-03-01", simulated=True, edition="public", rows=None, each=1,
):  # fmt: skip
    """Return something shaped like a borough's data; Poisson counts round a known mean."""
    places = definitions.boroughs()
    last = pd.Timestamp(end) - pd.DateOffset(months=each - 1)  # a quarter is named by its first
    grid = pd.date_range(end=last, periods=months, freq=pd.DateOffset(months=each))
    years = (np.arange(months) - months + 12 // each) / (12 // each)
    wave = 1 + season * np.cos(2 * np.pi * (grid.month.to_numpy() - 7) / 12)
    level = mean * np.exp(np.log1p(growth) * years) * wave
    people = np.linspace(150_000, 400_000, len(places)).round()
    expected = level[:, None] * (people / people.mean())[None, :]
    mine = places["borough_code"].tolist().index(borough)
    expected[step[0] :, mine] *= step[1]
    values = np.random.default_rng(seed).poisson(expected) if rows is None else rows
    core = source in ("extract", "home_office_csp")
    counts = pd.DataFrame(
        {
            "source": source,
            "release_class": "restricted" if source == "extract" else "open",
            "area_level": "borough",
            "month": np.repeat(grid, len(places)),
            "period_months": each,
            "borough_code": np.tile(places["borough_code"], months),
            "published_category": None
            if core
            else "MPS | VIOLENCE AGAINST THE PERSON | VIOLENCE WITH INJURY",
            "band": "core" if core else "indeterminate",
            "possible_bands": "core",
            "offences": np.asarray(values).ravel(),
        }
    )
    population = pd.DataFrame(
        {
            "source": "mid_year_age", "area_code": places["borough_code"],
            "area_level": "borough", "population_year": 2023, "sex": "all",
            "age_lower": 0, "age_upper": 999, "population": people,
        }
    )  # fmt: skip
    name = places.set_index("borough_code").loc[borough, "borough_name"]
    return SimpleNamespace(
        counts=counts, population=population, borough_code=borough, borough_name=name,
        end_month=pd.Timestamp(end), edition=edition, simulated=simulated, settings=Settings(),
        offences=counts.head(0).assign(premises_type=None), people=None, outcomes=None,
        deprivation=None, areas=None, area_lookup=None, sources={source: "open"},
        profile=SimpleNamespace(id="london_2023", version="1"), inputs=[],
    )  # fmt: skip
