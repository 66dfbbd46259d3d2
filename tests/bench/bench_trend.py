"""All statistics of 33 boroughs in one pass, against a loop of formula fits of the same models."""

import numpy as np
import pandas as pd

from sna import rates
from sna.trend import change, control, models
from tests.bench import Measured, alternate, measure

MONTHS = pd.date_range("2020-04-01", periods=60, freq="MS")


def _panel() -> tuple[np.ndarray, np.ndarray]:
    season = 1 + 0.15 * np.cos(2 * np.pi * (MONTHS.month.to_numpy() - 7) / 12)
    mean = np.linspace(20, 300, 33)
    counts = np.random.default_rng(1).poisson(season[:, None] * mean[None, :])
    return counts, mean * 1000


def one_pass(counts: np.ndarray, people: np.ndarray) -> dict[str, np.ndarray]:
    """Slopes, season, control limits, changes and rates of every borough at once."""
    design = models.make_design(MONTHS, seasonal=True)
    rest = np.log(counts.sum(axis=1, keepdims=True) - counts)
    fit, beside = (models.fit_quasi_poisson(counts, design, off) for off in (0.0, rest))
    later, earlier = counts[-12:].sum(axis=0), counts[-24:-12].sum(axis=0)
    low, high = rates.rate_limits(later)
    return {
        "slope": fit.estimate[1], "beside": beside.estimate[1], "dispersion": fit.dispersion,
        "season": models.season_p(counts, MONTHS), "ratio": rates.rate_ratio(later, 1, earlier, 1)[1],
        "p": rates.e_test(later, 1, earlier, 1), "low": low / people, "high": high / people,
        "word": change.change_word(later, earlier, np.maximum(fit.dispersion, 1)),
        "xmr": control.xmr_limits(control.adjust_season(counts.astype(float), MONTHS))[2],
    }  # fmt: skip


def formula_loop(counts: np.ndarray, people: np.ndarray) -> dict[str, np.ndarray]:
    """Fit the same models borough by borough with statsmodels formulas."""
    import statsmodels.api as sm
    import statsmodels.formula.api as smf
    from statsmodels.stats.rates import confint_poisson_2indep, test_poisson_2indep

    design = models.make_design(MONTHS, seasonal=True)
    names = ["x1", "a", "b", "c", "d"]
    frame = pd.DataFrame(design[:, 1:], columns=names)
    full, rows = "y ~ " + " + ".join(names), []
    for column in range(counts.shape[1]):
        data = frame.assign(y=counts[:, column])
        family = sm.families.Poisson()
        rest = np.log(counts.sum(axis=1) - counts[:, column])
        fit = smf.glm(full, data, family=family).fit(scale="X2")
        beside = smf.glm(full, data, family=family, offset=rest).fit(scale="X2")
        smf.glm("y ~ x1", data, family=family).fit(scale="X2")
        later, earlier = counts[-12:, column].sum(), counts[-24:-12, column].sum()
        p = test_poisson_2indep(later, 1, earlier, 1, method="etest").pvalue
        low = confint_poisson_2indep(later, 1, earlier, 1, method="score", compare="ratio")[0]
        rows.append((fit.params["x1"], beside.params["x1"], fit.scale, p, low))
    slope, beside, scale, p, ratio = (np.array(part) for part in zip(*rows, strict=True))
    return {"slope": slope, "beside": beside, "dispersion": scale, "p": p, "ratio": ratio}


def benchmarks(quick: bool) -> list[Measured]:
    """Time both, after checking that they give the same numbers."""
    counts, people = _panel()
    mine, theirs = one_pass(counts, people), formula_loop(counts, people)
    for name, values in theirs.items():
        np.testing.assert_allclose(mine[name], values, rtol=1e-5, atol=1e-7, err_msg=name)
    ours, loop = alternate(
        lambda: one_pass(counts, people), lambda: formula_loop(counts, people),
        rounds=3 if quick else 5,
    )  # fmt: skip
    return [measure("statistics of 33 boroughs", "a loop of statsmodels formula fits", ours, loop,
                    budget=0.2)]  # fmt: skip
