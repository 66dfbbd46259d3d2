"""Offences and people of the invented city, drawn from known rates."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sna.sample.city import AGES, City, read_reference

YEARLY_CHANGE = 0.04  # every offence, everywhere, on the log scale of a year
STEP_RATIO = 1.3
HOTSPOT_RATIO = 3.0
VICTIM_RATIO = 2.0  # Black five-group against every other, at each age
SEARCH_RATIO = 3.0
DEPRIVATION_SLOPE = -0.06  # log rate for one decile towards less deprived
SHARES = {
    "victim_age_missing": 0.12,
    "suspect_age_missing": 0.25,
    "victim_ethnicity_self_missing": 0.18,
    "suspect_ethnicity_self_missing": 0.18,
    "ethnicity_observed_missing": 0.10,
    "domestic_abuse_blank": 0.05,
    "unplaced": 0.02,
    "cancelled": 0.01,
    "transferred": 0.003,
}
_SEARCHES = 8.0  # a thousand residents and year
# people a kind of offence falls on: age knots and relative risk, share of women
_RISK = {
    "violence": ([1, 9, 10, 15, 19, 30, 50, 90], [0.05, 0.15, 0.5, 1.6, 1.8, 1.2, 0.7, 0.1], 0.48),
    "worker": ([1, 18, 19, 30, 60, 61, 90], [0, 0, 1, 1.2, 0.5, 0, 0], 0.4),
    "child": ([1, 8, 14, 15, 16, 90], [0.5, 0.7, 1.5, 1.2, 0, 0], 0.6),
    "adult": ([1, 15, 16, 25, 45, 90], [0, 0, 0.8, 1.3, 1.0, 0.2], 0.66),
    "sexual": ([1, 15, 16, 20, 35, 90], [0, 0, 1.8, 2.0, 0.8, 0.1], 0.85),
    "robbery": ([1, 10, 14, 18, 25, 40, 90], [0, 0.3, 2.0, 1.9, 1.2, 0.6, 0.2], 0.3),
    "suspect": ([1, 9, 12, 17, 25, 40, 90], [0, 0, 0.7, 2.0, 1.6, 0.8, 0.05], 0.18),
    "adult_suspect": ([1, 15, 16, 25, 40, 90], [0, 0, 1.0, 1.6, 0.9, 0.05], 0.15),
    "searched": ([1, 9, 10, 18, 25, 40, 90], [0, 0, 0.5, 3.0, 1.5, 0.5, 0.05], 0.08),
}


@dataclass(frozen=True)
class Events:
    """What happened: offences, the people in them and searches, as rows of plain numbers."""

    months: pd.DatetimeIndex
    step_month: int
    step_borough: int
    codes: pd.DataFrame
    offences: pd.DataFrame
    people: pd.DataFrame
    searches: pd.DataFrame


def make_events(
    city: City, *, months: pd.DatetimeIndex, scale: float, rng: np.random.Generator
) -> Events:
    """Draw everything that happens in `city` over `months`."""
    codes = read_reference("offences")
    names = city.boroughs["borough_name"].tolist()
    step_borough = names.index("Hillingdon") if "Hillingdon" in names else len(names) - 1
    step_month = len(months) - min(18, len(months) // 2)
    expected = _expected(city, codes, months, scale)
    expected[step_borough, step_month:] *= STEP_RATIO
    number = rng.poisson(expected)
    cell = np.repeat(np.arange(number.size), number.ravel())
    borough, month, code = np.unravel_index(cell, number.shape)
    offences = pd.DataFrame({"borough": borough, "month": month, "code": code})
    offences = offences.assign(lsoa=_choose_areas(city, borough, rng))
    offences = _add_times(offences, months, codes, rng)
    offences = offences.sort_values("recorded", kind="stable", ignore_index=True)
    offences = _add_details(offences, rng)
    people = _draw_people(city, offences, codes, rng)
    offences = _add_domestic_abuse(offences, people, codes, rng)
    offences = offences.assign(linked=_link_damage(offences, codes, rng))
    searches = _draw_searches(city, months, rng)
    return Events(months, step_month, step_borough, codes, offences, people, searches)


def _expected(
    city: City, codes: pd.DataFrame, months: pd.DatetimeIndex, scale: float
) -> np.ndarray:
    """Return expected offences by borough, month and code; boroughs do not depend on the choice."""
    everywhere = read_reference("boroughs")
    total = (everywhere["lsoas"] * everywhere["risk"]).sum()
    share = (city.boroughs["lsoas"] * city.boroughs["risk"]).to_numpy() / total
    step = np.arange(len(months)) - (len(months) - 1) / 2
    season = 1 + 0.08 * np.cos(2 * np.pi * (months.month.to_numpy() - 7) / 12)
    length = months.days_in_month.to_numpy() / 365.25
    by_month = np.exp(np.log1p(YEARLY_CHANGE) * step / 12) * season * length
    yearly = codes["yearly"].to_numpy() * scale
    return np.asarray(share[:, None, None] * by_month[None, :, None] * yearly[None, None, :])


def _choose_areas(city: City, borough: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Choose the small area of each offence; `borough` is sorted."""
    home = city.lsoas["borough"].to_numpy()
    hot = city.lsoas["is_hotspot"].to_numpy()
    decile = (city.lsoas["deprivation_rank"].to_numpy() - 1) * 10 // 33755 + 1
    weight = city.residents.sum(axis=1) * np.exp(DEPRIVATION_SLOPE * decile)
    weight = weight * rng.gamma(25, 1 / 25, len(weight))
    chosen = np.empty(len(borough), dtype=np.int64)
    edges = np.searchsorted(borough, np.arange(len(city.boroughs) + 1))
    for row in range(len(city.boroughs)):
        mine = np.flatnonzero(home == row)
        chance = weight[mine]
        ordinary = chance[~hot[mine]].mean()
        chance = np.where(hot[mine], HOTSPOT_RATIO * ordinary, chance)
        size = edges[row + 1] - edges[row]
        chosen[edges[row] : edges[row + 1]] = rng.choice(mine, size, p=chance / chance.sum())
    return chosen


def _add_times(
    offences: pd.DataFrame,
    months: pd.DatetimeIndex,
    codes: pd.DataFrame,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Add minutes since 1970: recorded inside its month, committed before."""
    size, day = len(offences), 1440
    start = months.to_numpy().astype("datetime64[m]").astype(np.int64)
    length = months.days_in_month.to_numpy() * day
    row = offences["month"].to_numpy()
    recorded = start[row] + (rng.random(size) * length[row]).astype(np.int64)
    sexual = codes["sexual"].to_numpy()[offences["code"]] == 1
    slow = rng.random(size) < np.where(sexual, 0.5, 0.2)
    lag = rng.exponential(np.where(slow, np.where(sexual, 200, 20), 0.3) * day)
    hours = np.array([5, 4, 3, 2, 1, 1, 1, 2, 3, 3, 4, 4, 5, 5, 5, 7, 7, 6, 6, 6, 6, 6, 6, 6.0])
    hour = rng.choice(24, size, p=hours / hours.sum()) * 60 + rng.integers(0, 60, size)
    committed = (recorded - lag.astype(np.int64)) // day * day + hour
    committed = np.where(committed >= recorded, recorded - 30, committed)
    until = np.minimum(committed + rng.integers(5, 600, size), recorded)
    return offences.assign(
        recorded=recorded, committed=committed, until=np.where(rng.random(size) < 0.2, until, -1)
    )


def _add_details(offences: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    size, draw = len(offences), rng.random((4, len(offences)))
    stop = SHARES["cancelled"] + SHARES["transferred"]
    status = np.select([draw[0] < SHARES["cancelled"], draw[0] < stop], [1, 2], 0)
    return offences.assign(
        point=rng.integers(0, 24, size),
        is_placed=draw[1] >= SHARES["unplaced"],
        status=status,
        weapon=np.select([draw[2] < 0.08, draw[2] < 0.084, draw[2] < 0.086], [1, 2, 3], 0),
        outcome=np.searchsorted([0.55, 0.75, 0.85, 0.93], draw[3]),
    )


def _draw_cells(
    city: City, borough: np.ndarray, kind: str, ratio: float, rng: np.random.Generator
) -> pd.DataFrame:
    """Draw age, ethnic group and sex of one person a row, from residents times relative risk."""
    knots, risk, women = _RISK[kind]
    age = np.interp(AGES, knots, risk) * (AGES > 0)
    black = read_reference("ethnic_groups")["five_group"].eq("Black").to_numpy()
    tilt = age[:, None, None] * np.where(black, ratio, 1.0)[:, None] * [women, 1 - women]
    cell = np.zeros(len(borough), dtype=np.int64)
    for row in np.unique(borough):
        mine = np.flatnonzero(borough == row)
        chance = (city.groups[row] * tilt).ravel()
        cell[mine] = rng.choice(chance.size, len(mine), p=chance / chance.sum())
    parts = np.unravel_index(cell, tilt.shape)
    return pd.DataFrame(dict(zip(("age", "group", "sex"), parts, strict=True)))


def _draw_people(
    city: City, offences: pd.DataFrame, codes: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    code = offences["code"].to_numpy()
    draw = rng.random((4, len(offences)))
    victims = codes["victims"].to_numpy()[code] * (1 + (draw[0] < 0.06))
    suspects = (draw[1] < 0.45) * (1 + (draw[2] < 0.15))
    kind = codes["people"].to_numpy()[code].astype(str)
    adult = np.isin(kind, ["adult", "child", "worker"])
    tables = []
    for role, number in (("victim", victims), ("suspect", suspects)):
        row = np.repeat(np.arange(len(offences)), number)
        kinds = kind if role == "victim" else np.where(adult, "adult_suspect", "suspect")
        for each in np.unique(kinds[row]):
            mine = row[kinds[row] == each]
            ratio = VICTIM_RATIO if role == "victim" else 1.0
            cells = _draw_cells(city, offences["borough"].to_numpy()[mine], each, ratio, rng)
            tables.append(cells.assign(offence=mine, is_victim=role == "victim"))
    people = pd.concat(tables).sort_values(["offence", "is_victim"], kind="stable")
    return _hide_parts(people.reset_index(drop=True), offences, codes, rng)


def _hide_parts(
    people: pd.DataFrame, offences: pd.DataFrame, codes: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """Add what the record shows: some ages and ethnicities are missing."""
    victim = people["is_victim"].to_numpy()
    draw = rng.random((5, len(people)))
    text = (
        codes["offence_text"].str.lower().to_numpy()[offences["code"].to_numpy()[people["offence"]]]
    )
    text = text.astype(str)
    female, male = np.char.find(text, "female") >= 0, np.char.find(text, " male") >= 0
    sex = np.select([victim & female, victim & male], [0, 1], people["sex"].to_numpy())

    def missing(what: str, row: int) -> np.ndarray:
        share = np.where(victim, SHARES[f"victim_{what}"], SHARES[f"suspect_{what}"])
        return np.asarray(draw[row] < share)

    return people.assign(
        sex=sex,
        age_missing=missing("age_missing", 0),
        self_missing=missing("ethnicity_self_missing", 1),
        observed_missing=draw[2] < SHARES["ethnicity_observed_missing"],
        is_local=draw[3] < 0.85,
        stranger_home=(draw[4] * len(read_reference("boroughs"))).astype(np.int64),
    )


def _add_domestic_abuse(
    offences: pd.DataFrame, people: pd.DataFrame, codes: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """Add the flag: 2 yes, 0 no, 1 blank; both parties are 16 or over."""
    young = np.zeros(len(offences), dtype=bool)
    young[people.loc[people["age"] < 16, "offence"]] = True
    draw = rng.random((2, len(offences)))
    flag = 2 * ((draw[0] < codes["domestic"].to_numpy()[offences["code"]]) & ~young)
    return offences.assign(domestic=np.where(draw[1] < SHARES["domestic_abuse_blank"], 1, flag))


def _link_damage(
    offences: pd.DataFrame, codes: pd.DataFrame, rng: np.random.Generator
) -> np.ndarray:
    """Link a tenth of damage and arson to a listed offence of the same area and month, else −1."""
    role = codes["role"].to_numpy()[offences["code"]]
    where = (offences["lsoa"] * 1000 + offences["month"]).to_numpy()
    listed = np.flatnonzero((role == "listed") & (offences["status"] == 0))
    listed = listed[np.argsort(where[listed], kind="stable")]
    damage = np.flatnonzero((role == "property") & (rng.random(len(offences)) < 0.1))
    first = np.searchsorted(where[listed], where[damage])
    last = np.searchsorted(where[listed], where[damage], side="right")
    pick = first + (rng.random(len(damage)) * (last - first)).astype(np.int64)
    linked = np.full(len(offences), -1)
    found = last > first
    linked[damage[found]] = listed[pick[found]]
    return linked


def _draw_searches(city: City, months: pd.DatetimeIndex, rng: np.random.Generator) -> pd.DataFrame:
    """Draw stops and searches of residents, ratio `SEARCH_RATIO` for one five-group."""
    home = city.lsoas["borough"].to_numpy()
    expected = city.residents.sum(axis=1) * _SEARCHES / 12000
    number = rng.poisson(np.repeat(expected[:, None], len(months), axis=1))
    lsoa, month = np.unravel_index(np.repeat(np.arange(number.size), number.ravel()), number.shape)
    people = _draw_cells(city, home[lsoa], "searched", SEARCH_RATIO, rng)
    size, draw = len(people), rng.random((5, len(people)))
    return people.assign(
        lsoa=lsoa,
        month=month,
        point=rng.integers(0, 24, size),
        minute=(draw[0] * months.days_in_month.to_numpy()[month] * 1440).astype(np.int64),
        is_placed=draw[1] >= 0.08,
        age_missing=draw[2] < 0.12,
        self_missing=draw[3] < 0.25,
        power=np.searchsorted([0.6, 0.97, 0.985], draw[4]),
        outcome=rng.choice(5, size, p=[0.70, 0.16, 0.09, 0.03, 0.02]),
    )
