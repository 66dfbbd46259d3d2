"""Offences, the people in them and searches, drawn from known rates as rows of plain numbers."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sna.sample.city import AGES, PLANTED, City, read_reference

SHARES: dict[str, float] = PLANTED["shares"]
_DAY = 1440  # minutes


@dataclass(frozen=True)
class Events:
    """What happened in the city over some months."""

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
    expected[step_borough, step_month:] *= PLANTED["step_ratio"]
    number = rng.poisson(expected)
    cell = np.unravel_index(np.repeat(np.arange(number.size), number.ravel()), number.shape)
    offences = pd.DataFrame(dict(zip(("borough", "month", "code"), cell, strict=True)))
    offences = offences.assign(lsoa=_choose_areas(city, cell[0], rng))
    offences = _add_details(offences, months, codes, rng)
    people = _draw_people(city, offences, codes, rng)
    young = np.bincount(people["offence"], people["age"] < 16, minlength=len(offences)) > 0
    draw = rng.random((2, len(offences)))
    abuse = 2 * ((draw[0] < codes["domestic"].to_numpy()[offences["code"]]) & ~young)
    offences = offences.assign(  # the flag: 2 yes, 0 no, 1 blank; both parties are 16 or over
        domestic=np.where(draw[1] < SHARES["domestic_abuse_blank"], 1, abuse),
        linked=_link_damage(offences, codes, rng),
    )
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
    by_month = (1 + PLANTED["yearly_change"]) ** (step / 12) * season * length
    yearly = codes["yearly"].to_numpy() * scale
    return np.asarray(share[:, None, None] * by_month[None, :, None] * yearly[None, None, :])


def _choose_areas(city: City, borough: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Choose the small area of each offence; `borough` is sorted."""
    home, hot = city.lsoas["borough"].to_numpy(), city.lsoas["is_hotspot"].to_numpy()
    decile = (city.lsoas["deprivation_rank"].to_numpy() - 1) * 10 // 33755 + 1
    weight = city.residents.sum(axis=1) * np.exp(PLANTED["deprivation_slope"] * decile)
    weight = weight * rng.gamma(25, 1 / 25, len(weight))
    chosen = []
    for row, size in enumerate(np.bincount(borough, minlength=len(city.boroughs))):
        mine = np.flatnonzero(home == row)
        ordinary = weight[mine][~hot[mine]].mean()
        chance = np.where(hot[mine], PLANTED["hotspot_ratio"] * ordinary, weight[mine])
        chosen.append(rng.choice(mine, size, p=chance / chance.sum()))
    return np.concatenate(chosen)


def _add_details(
    offences: pd.DataFrame, months: pd.DatetimeIndex, codes: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """Add minutes since 1970 (recorded inside its month, committed before) and what is noted."""
    size, row = len(offences), offences["month"].to_numpy()
    start = months.to_numpy().astype("datetime64[m]").astype(np.int64)[row]
    minutes = months.days_in_month.to_numpy()[row] * _DAY
    recorded = start + (rng.random(size) * minutes).astype(np.int64)
    sexual = codes["sexual"].to_numpy()[offences["code"]] == 1
    slow = rng.random(size) < np.where(sexual, 0.5, 0.2)
    lag = rng.exponential(np.where(slow, np.where(sexual, 200, 20), 0.3) * _DAY)
    hours = np.array(PLANTED["hours"])
    hour = rng.choice(24, size, p=hours / hours.sum()) * 60 + rng.integers(0, 60, size)
    committed = (recorded - lag.astype(np.int64)) // _DAY * _DAY + hour
    committed = np.where(committed >= recorded, recorded - 30, committed)
    until = np.minimum(committed + rng.integers(5, 600, size), recorded)
    draw, gone = rng.random((5, size)), SHARES["cancelled"]
    return offences.assign(
        recorded=recorded,
        committed=committed,
        until=np.where(draw[4] < 0.2, until, -1),
        point=rng.integers(0, 24, size),
        is_placed=draw[1] >= SHARES["unplaced"],
        status=np.select([draw[0] < gone, draw[0] < gone + SHARES["transferred"]], [1, 2], 0),
        weapon=np.select([draw[2] < 0.08, draw[2] < 0.084, draw[2] < 0.086], [1, 2, 3], 0),
        outcome=np.searchsorted([0.55, 0.75, 0.85, 0.93], draw[3]),
    ).sort_values("recorded", kind="stable", ignore_index=True)


def _draw_cells(
    city: City, borough: np.ndarray, kind: str, ratio: float, rng: np.random.Generator
) -> pd.DataFrame:
    """Draw age, ethnic group and sex of one person a row, from residents times relative risk."""
    knots, risk, women = PLANTED["risk"][kind]
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
    code, draw = offences["code"].to_numpy(), rng.random((3, len(offences)))
    kind = codes["people"].to_numpy()[code].astype(str)
    adult = np.isin(kind, ["adult", "child", "worker"])
    victims = codes["victims"].to_numpy()[code] * (1 + (draw[0] < 0.06))
    suspects = (draw[1] < 0.45) * (1 + (draw[2] < 0.15))
    tables = []
    for is_victim, number, kinds, ratio in (
        (True, victims, kind, PLANTED["victim_ratio"]),
        (False, suspects, np.where(adult, "adult_suspect", "suspect"), 1.0),
    ):
        row = np.repeat(np.arange(len(offences)), number)
        for each in np.unique(kinds[row]):
            mine = row[kinds[row] == each]
            cells = _draw_cells(city, offences["borough"].to_numpy()[mine], each, ratio, rng)
            tables.append(cells.assign(offence=mine, is_victim=is_victim))
    people = pd.concat(tables).sort_values(["offence", "is_victim"], kind="stable")
    return _hide_parts(people.reset_index(drop=True), code, codes, rng)


def _hide_parts(
    people: pd.DataFrame, code: np.ndarray, codes: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """Add what the record shows: some ages and ethnicities are missing."""
    victim, draw = people["is_victim"].to_numpy(), rng.random((5, len(people)))
    text = codes["offence_text"].str.lower().to_numpy().astype(str)[code[people["offence"]]]
    female, male = np.char.find(text, "female") >= 0, np.char.find(text, " male") >= 0
    limits = {
        what: np.where(victim, SHARES[f"victim_{what}"], SHARES[f"suspect_{what}"])
        for what in ("age_missing", "ethnicity_self_missing")
    }
    return people.assign(
        sex=np.select([victim & female, victim & male], [0, 1], people["sex"].to_numpy()),
        age_missing=draw[0] < limits["age_missing"],
        self_missing=draw[1] < limits["ethnicity_self_missing"],
        observed_missing=draw[2] < SHARES["ethnicity_observed_missing"],
        is_local=draw[3] < 0.85,
        stranger_home=(draw[4] * len(read_reference("boroughs"))).astype(np.int64),
    )


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
    linked[damage[last > first]] = listed[pick[last > first]]
    return linked


def _draw_searches(city: City, months: pd.DatetimeIndex, rng: np.random.Generator) -> pd.DataFrame:
    expected = city.residents.sum(axis=1) * PLANTED["searches"] / 12000
    number = rng.poisson(np.repeat(expected[:, None], len(months), axis=1))
    lsoa, month = np.unravel_index(np.repeat(np.arange(number.size), number.ravel()), number.shape)
    home = city.lsoas["borough"].to_numpy()[lsoa]
    people = _draw_cells(city, home, "searched", PLANTED["search_ratio"], rng)
    size, draw = len(people), rng.random((5, len(people)))
    return people.assign(
        lsoa=lsoa,
        month=month,
        point=rng.integers(0, 24, size),
        minute=(draw[0] * months.days_in_month.to_numpy()[month] * _DAY).astype(np.int64),
        is_placed=draw[1] >= 0.08,
        age_missing=draw[2] < 0.12,
        self_missing=draw[3] < 0.25,
        power=np.searchsorted([0.6, 0.97, 0.985], draw[4]),
        outcome=rng.choice(5, size, p=[0.70, 0.16, 0.09, 0.03, 0.02]),
    )
