"""False alarms on series where nothing happens, and power where something was planted.

The bounds are those that docs/decisions/0031-false-alarms.md states. Fixed seeds, one batch each.
"""

import numpy as np
import pandas as pd
import pytest

from sna import rates
from sna.trend import change, control, models

pytestmark = pytest.mark.simulation
MONTHS = pd.date_range("2020-04-01", periods=60, freq="MS")
SEASON = 1 + 0.2 * np.cos(2 * np.pi * (MONTHS.month.to_numpy() - 7) / 12)


def _poisson(mean, series=4000, seed=11):
    return np.random.default_rng(seed).poisson(np.broadcast_to(mean, (60,))[:, None], (60, series))


def _bursts(mean, factor, series=4000, seed=12):
    """Counts whose variance is `factor` times their mean."""
    mean = np.broadcast_to(mean, (60,))[:, None]
    size = mean / (factor - 1)
    return np.random.default_rng(seed).negative_binomial(size, 1 / factor, (60, series))


def _flagged(values, limits):
    return (control.find_signals(values, limits) > 0).mean()


@pytest.mark.parametrize("mean", [30, 200])
def test_xmr_flags_at_most_one_point_in_fifty_of_a_stable_series(mean):
    values = _poisson(mean)
    assert _flagged(values, control.xmr_limits(values)) < 0.02
    year = values[:36]  # any signal in 36 months: 31 % of plain Poisson series
    assert (control.find_signals(year, control.xmr_limits(year)) > 0).any(0).mean() < 0.35


def test_raw_seasonal_series_cry_wolf_and_adjusted_ones_do_not():
    values = _poisson(200 * SEASON)
    assert _flagged(values, control.xmr_limits(values)) > 0.15
    adjusted = control.adjust_season(values.astype(float), MONTHS)
    assert _flagged(adjusted, control.xmr_limits(adjusted)) < 0.02


@pytest.mark.parametrize("mean", [10, 25])
def test_count_charts_stay_quiet_also_when_counts_come_in_bursts(mean):
    for values, bound in ((_poisson(mean), 0.02), (_bursts(mean, 2.5), 0.04)):
        assert _flagged(values, control.count_limits(values)) < bound


def test_gap_charts_flag_at_most_three_gaps_in_a_thousand():
    gaps = np.random.default_rng(3).geometric(0.1, (40, 4000)) - 1.0
    limits = control.gap_limits(gaps)
    assert ((gaps > limits.upper) | (gaps < limits.lower)).mean() < 0.003


@pytest.mark.parametrize("factor", [1, 2.5])
@pytest.mark.parametrize("mean", [8, 60])
def test_a_word_of_change_is_wrong_in_about_one_series_of_twenty(mean, factor):
    values = _poisson(mean * SEASON) if factor == 1 else _bursts(mean * SEASON, factor)
    fit = models.fit_quasi_poisson(values, models.make_design(MONTHS, seasonal=True))
    words = change.change_word(
        values[-12:].sum(0), values[-24:-12].sum(0), np.maximum(fit.dispersion, 1)
    )
    assert np.isin(words, ["higher", "lower"]).mean() < 0.065
    if factor > 1:  # why the word does not use the e-test alone
        some = values[:, :300]
        chance = rates.e_test(some[-12:].sum(0), 1, some[-24:-12].sum(0), 1) < 0.05
        assert chance.mean() > 0.15


@pytest.mark.parametrize("factor", [1, 2.5])
def test_slopes_are_wrong_in_about_one_series_of_twenty(factor):
    values = _poisson(40 * SEASON) if factor == 1 else _bursts(40 * SEASON, factor)
    fit = models.fit_quasi_poisson(values, models.make_design(MONTHS, seasonal=True))
    assert (fit.p_value(1) < 0.05).mean() < 0.06
    low, high = fit.limits(1)
    assert ((low <= 0) & (high >= 0)).mean() > 0.94


def test_a_shared_shock_is_taken_out_by_the_london_offset():
    rng = np.random.default_rng(8)
    shock = np.exp(np.cumsum(rng.normal(0, 0.05, (60, 2000)), axis=0))
    mine, rest = rng.poisson(40 * shock), rng.poisson(1300 * shock)
    design = models.make_design(MONTHS, seasonal=True)
    alone = models.fit_quasi_poisson(mine, design)
    beside = models.fit_quasi_poisson(mine, design, np.log(rest))
    assert (alone.p_value(1) < 0.05).mean() > 0.4
    assert (beside.p_value(1) < 0.05).mean() < 0.065


def test_recent_trends_of_stable_years_are_rare():
    years = _poisson(40, seed=21).reshape(5, 12, 4000).sum(axis=1)
    low, high = rates.rate_limits(years)
    words = [
        models.find_recent_trend(*(p[:, s] for p in (years, low, high)))[0] for s in range(1500)
    ]
    assert np.isin(words, ["increasing", "decreasing"]).mean() < 0.006


def test_seasons_are_imagined_in_about_one_series_of_twenty_and_found_when_there():
    assert (models.season_p(_poisson(40), MONTHS) < 0.05).mean() < 0.065
    assert (models.season_p(_poisson(40 * SEASON), MONTHS) < 0.05).mean() > 0.95


def test_steps_are_imagined_rarely_and_found_at_their_month():
    flat, step = _poisson(60 * SEASON, series=150, seed=5), np.where(np.arange(60) >= 42, 1.3, 1)
    p_flat = np.array([models.find_step(flat[:, s], MONTHS)[2] for s in range(150)])
    assert (p_flat < 0.05).mean() < 0.06
    planted = _poisson(200 * SEASON * step, series=150, seed=6)
    found = np.array([models.find_step(planted[:, s], MONTHS)[0] for s in range(150)])
    assert (np.abs(found - 42) <= 1).mean() > 0.9


def test_score_limits_of_a_ratio_cover_what_they_say():
    rng = np.random.default_rng(4)
    for mean in (2, 15, 300):
        x, y = rng.poisson(mean, 20_000), rng.poisson(2 * mean, 20_000)
        got = rates.rate_ratio(x, 1, y, 1)
        known = ~np.isnan(got.lower_ci)
        cover = (got.lower_ci <= 0.5) & (got.upper_ci >= 0.5)
        assert cover[known].mean() > 0.94


def test_funnels_flag_few_boroughs_when_all_are_alike():
    expected = np.linspace(60, 900, 33)
    events = np.random.default_rng(9).poisson(expected, (3000, 33))
    low, high = rates.funnel_limits(expected, 0.998)
    assert ((events / expected < low) | (events / expected > high)).mean() < 0.002
