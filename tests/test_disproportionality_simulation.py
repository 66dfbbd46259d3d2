"""Repeats with a known answer: coverage of the intervals, and ratios planted in simulated London."""

import json

import numpy as np
import pandas as pd
import pytest

import sna
from sna import disproportionality as dis
from sna.build import build

REPEATS = 10_000
pytestmark = pytest.mark.simulation


def repeats(ratio, mean, reference_mean, seed):
    """Ten thousand boroughs of one truth, so that one vectorised pass compares them all."""
    rng = np.random.default_rng(seed)
    population = {"White": reference_mean * 500.0, "Black": mean * 500.0 / ratio}
    people = {"White": rng.poisson(reference_mean, REPEATS), "Black": rng.poisson(mean, REPEATS)}
    return pd.concat(
        [
            pd.DataFrame(
                {"borough_code": np.arange(REPEATS), "group": group, "people": people[group]}
            ).assign(population=population[group])
            for group in people
        ],
        ignore_index=True,
    )


@pytest.mark.parametrize(
    ("ratio", "mean", "reference_mean"),
    [(1.0, 60, 200), (3.0, 72, 120), (0.5, 40, 40), (2.0, 12, 30), (1.0, 5, 400)],
)
def test_intervals_of_ratio_and_difference_cover_the_truth(ratio, mean, reference_mean):
    counts = repeats(ratio, mean, reference_mean, seed=20250301)
    found = dis.compare_groups(counts).query("group == 'Black'")
    cover = found["ratio_lower_ci"].le(ratio) & found["ratio_upper_ci"].ge(ratio)
    assert 0.94 <= cover.mean() <= 0.98
    gap = 1000 * (ratio - 1) / 500
    cover = found["difference_lower_ci"].le(gap) & found["difference_upper_ci"].ge(gap)
    assert 0.94 <= cover.mean() <= 0.98


def test_place_adjusted_ratio_recovers_a_ratio_that_clustering_hides():
    rng, estimates, inside = np.random.default_rng(11), [], []
    white = rng.integers(20_000, 150_000, 32)
    rate = rng.uniform(0.002, 0.012, 32)
    black = (white * rate * 60).astype(int)  # lives where more is recorded
    for _ in range(60):
        people = {"White": rng.poisson(white * rate), "Black": rng.poisson(black * rate * 2)}
        counts = pd.concat([
            pd.DataFrame({"borough_code": range(32), "group": group, "people": people[group],
                          "population": {"White": white, "Black": black}[group]})
            for group in people
        ])  # fmt: skip
        row = dis.add_place_adjusted(counts).set_index("group").loc["Black"]
        estimates.append((row["rate_ratio"], row["adjusted_ratio"]))
        inside.append(row["adjusted_lower_ci"] <= 2 <= row["adjusted_upper_ci"])
    crude, adjusted = np.mean(estimates, axis=0)
    assert crude > 2.2
    assert adjusted == pytest.approx(2, abs=0.01)
    assert 0.9 <= np.mean(inside) <= 1


def test_the_ratios_planted_in_simulated_london_are_recovered(tmp_path):
    from sna.sample import write_sample

    write_sample(tmp_path / "raw", months=12, scale=0.06, seed=7)
    truth = json.loads(next((tmp_path / "raw").rglob("truth.json")).read_text(encoding="utf-8"))
    build(raw=tmp_path / "raw", processed=tmp_path / "processed")
    data = sna.load_borough("Hackney", processed=tmp_path / "processed")
    for role in ("searched", "victim"):  # planted in every place, at every age
        people = sna.load_people(data, person_role=role, processed=tmp_path / "processed")
        people = people[people["borough_code"].notna()]
        own = people[people["borough_code"] == data.borough_code]
        assert len(own) == len(dis.select_people(data, person_role=role, months=None))
        strata = dis.count_groups(people, data.population, by=["borough_code", "age_group"])
        row = dis.add_place_adjusted(strata).set_index("group").loc["Black"]
        planted = truth[f"{role.replace('searched', 'search')}_rate_ratio"]["ratio"]
        assert row["adjusted_lower_ci"] <= planted <= row["adjusted_upper_ci"]
        assert row["rate_ratio"] > row["adjusted_ratio"]  # lives where more is recorded
