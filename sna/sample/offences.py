"""Offences, the people in them and searches, drawn from known rates as rows of plain numbers."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sna.sample.city import AGES, ENGLAND_LSOAS, PLANTED, POINTS, City, read_reference

SHARES: dict[str, Any] = PLANTED["shares"]
_DAY = 1440  # minutes
_MOST = 2_000_000  # offences drawn at a time: about a kilobyte and a half each while it lasts


@dataclass(frozen=True)
class Events:
    """What happened in the city over a span of months; rows count from 0 in each span."""

    months: pd.DatetimeIndex  # of the whole period
    span: str  # its first month as ``_202004``; empty when it is the whole period
    offences: pd.DataFrame
    people: pd.DataFrame
    searches: pd.DataFrame


def find_step(city: City, months: pd.DatetimeIndex) -> tuple[int, int]:
    """Return the borough (its row) and the month (its place) of the planted step."""
    names = city.boroughs["borough_name"].tolist()
    borough = names.index("Hillingdon") if "Hillingdon" in names else len(names) - 1
    return borough, len(months) - min(18, len(months) // 2)


def make_events(
    city: City, *, months: pd.DatetimeIndex, scale: float, rng: np.random.Generator
) -> Iterator[Events]:
    """Draw what happens in `city` over `months`, as many months at a time as memory is meant for.

    People come back within a span, not from one span to the next.
    """
    codes, (borough, first) = read_reference("offences"), find_step(city, months)
    expected = _expected(city, codes, months, scale)
    expected[borough, first:] *= PLANTED["step_ratio"]
    number, chance = rng.poisson(expected), _weigh_areas(city, rng)
    spans = np.array_split(np.arange(len(months)), -(-number.sum() // _MOST) or 1)
    for span in (span for span in spans if len(span)):
        part = number[:, span]
        cell = np.unravel_index(np.repeat(np.arange(part.size), part.ravel()), part.shape)
        offences = pd.DataFrame({"borough": cell[0], "month": span[cell[1]], "code": cell[2]})
        offences = offences.assign(lsoa=_choose_areas(city, cell[0], chance, rng))
        offences = _add_details(offences, months, codes, rng)
        people = _draw_people(city, offences, codes, rng)
        offences = _add_outcomes(offences, people, codes, rng)
        name = f"_{months[span[0]]:%Y%m}" if len(spans) > 1 else ""
        yield Events(months, name, offences, people, _draw_searches(city, months, span, rng))


def _add_outcomes(
    offences: pd.DataFrame, people: pd.DataFrame, codes: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """Add what depends on the people: domestic abuse, a charge; and links between offences."""
    size, draw = len(offences), rng.random((3, len(offences)))
    young = np.bincount(people["offence"], people["age"] < 16, minlength=size) > 0
    suspected = np.bincount(people["offence"], people["role"] == 0, minlength=size) > 0
    abuse = 2 * ((draw[0] < codes["domestic"].to_numpy()[offences["code"]]) & ~young)
    charged = suspected & (draw[2] < PLANTED["charged"])
    return offences.assign(  # the flag: 2 yes, 0 no, 1 blank; both parties are 16 or over
        domestic=np.where(draw[1] < SHARES["domestic_abuse_blank"], 1, abuse),
        linked=_link_damage(offences, codes, rng),
        outcome=np.where(charged, len(PLANTED["words"]["outcomes"]) - 1, offences["outcome"]),
    )


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


def _black() -> np.ndarray:
    return read_reference("ethnic_groups")["five_group"].eq("Black").to_numpy()


def _exposed(city: City, ratio: float) -> np.ndarray:
    """Return residents by small area, those of the planted group weighted by its ratio."""
    return np.asarray(city.residents.sum(axis=(1, 3)) @ np.where(_black(), ratio, 1.0))


def _weigh_areas(city: City, rng: np.random.Generator) -> np.ndarray:
    """Return what each small area draws, beside the others of its borough."""
    home, hot = city.lsoas["borough"], city.lsoas["is_hotspot"]
    decile = (city.lsoas["income"].to_numpy() - 1) * 10 // ENGLAND_LSOAS + 1
    weight = pd.Series(_exposed(city, PLANTED["victim_ratio"]))
    weight *= np.exp(PLANTED["deprivation_slope"] * decile)
    weight *= rng.gamma(25, 1 / 25, len(weight))
    ordinary = home.map(weight[~hot].groupby(home).mean())
    return weight.mask(hot, PLANTED["hotspot_ratio"] * ordinary).to_numpy()


def _choose_areas(
    city: City, borough: np.ndarray, chance: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Choose the small area of each offence; `borough` is sorted."""
    chosen = []
    for row, size in enumerate(np.bincount(borough, minlength=len(city.boroughs))):
        mine = np.flatnonzero(city.lsoas["borough"] == row)
        chosen.append(rng.choice(mine, size, p=chance[mine] / chance[mine].sum()))
    return np.concatenate(chosen)


def _add_details(
    offences: pd.DataFrame, months: pd.DatetimeIndex, codes: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """Add minutes since 1970 (recorded inside its month, committed before) and what is noted."""
    size, row = len(offences), offences["month"].to_numpy()
    start = months.to_numpy().astype("datetime64[m]").astype(np.int64)[row]
    recorded = start + (rng.random(size) * months.days_in_month.to_numpy()[row] * _DAY).astype(int)
    late = np.take([20, 200], offences["code"].map(codes["sexual"])) * (rng.random(size) < 0.25)
    lag = rng.exponential((late + 0.3) * _DAY).astype(int)
    hour = rng.choice(24, size, p=np.divide(PLANTED["hours"], sum(PLANTED["hours"])))
    committed = (recorded - lag) // _DAY * _DAY + hour * 60 + rng.integers(0, 60, size)
    committed = np.minimum(committed, recorded - 30)
    until = np.minimum(committed + rng.integers(5, 600, size), recorded)
    draw, gone = rng.random((5, size)), SHARES["cancelled"]
    return offences.assign(
        recorded=recorded,
        committed=committed,
        until=np.where(draw[4] < 0.2, until, -1),
        point=rng.integers(0, POINTS, size),
        is_placed=draw[1] >= SHARES["unplaced"],
        status=np.select([draw[0] < gone, draw[0] < gone + SHARES["transferred"]], [1, 2], 0),
        weapon=np.select([draw[2] < 0.08, draw[2] < 0.084, draw[2] < 0.086], [1, 2, 3], 0),
        outcome=np.searchsorted([0.55, 0.75, 0.85, 0.93], draw[3]),
    ).sort_values("recorded", kind="stable", ignore_index=True)


def _draw_cells(
    city: City, lsoa: np.ndarray, kind: str, ratio: float, rng: np.random.Generator
) -> pd.DataFrame:
    """Draw age, group and sex of one person a row: residents of the area times relative risk."""
    knots, risk, women = PLANTED["risk"][kind]
    age = np.interp(AGES, knots, risk) * (AGES > 0)
    tilt = age[:, None, None] * np.where(_black(), ratio, 1.0)[:, None] * [women, 1 - women]
    order = np.argsort(lsoa, kind="stable")
    edges = np.searchsorted(lsoa[order], np.arange(len(city.lsoas) + 1))
    cell = np.zeros(len(lsoa), dtype=np.int64)
    for area in np.flatnonzero(np.diff(edges)):
        mine = order[edges[area] : edges[area + 1]]
        upto = np.cumsum((city.residents[area] + 1e-9) * tilt)
        cell[mine] = np.searchsorted(upto, rng.random(len(mine)) * upto[-1], side="right")
    parts = np.unravel_index(cell, tilt.shape)
    return pd.DataFrame(dict(zip(("age", "group", "sex"), parts, strict=True)))


def _draw_people(
    city: City, offences: pd.DataFrame, codes: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """Draw victims and suspects, and what the record shows: some ages and groups are missing."""
    drawn, draw = offences.join(codes, on="code"), rng.random((3, len(offences)))
    victims = drawn["victims"] * (1 + (draw[0] < 0.06))
    suspects = (draw[1] < 0.45) * (1 + (draw[2] < 0.15))
    tables = []
    for role, number, kind in ((1, victims, "people"), (0, suspects, "suspects")):
        rows = drawn.loc[drawn.index.repeat(number)]
        for each, mine in rows.groupby(kind):
            ratio = PLANTED["victim_ratio"] if role else 1.0
            cells = _draw_cells(city, mine["lsoa"].to_numpy(), str(each), ratio, rng)
            tables.append(cells.assign(offence=mine.index, role=role))
    people = pd.concat(tables).sort_values(["offence", "role"], kind="stable", ignore_index=True)
    hidden = {
        name: rng.random(len(people)) < np.take(SHARES[name], people["role"])
        for name in ("age_missing", "ethnicity_self_missing", "ethnicity_observed_missing")
    }
    everywhere = len(read_reference("boroughs"))
    local, home = rng.random(len(people)) < 0.85, rng.integers(everywhere, size=len(people))
    people = people.assign(**hidden, stranger=np.where(local, -1, home))
    return people.assign(person=_name_people(people, offences, rng))


def _name_people(
    people: pd.DataFrame, offences: pd.DataFrame, rng: np.random.Generator
) -> np.ndarray:
    """Give alike records of a borough (birth year, group, sex) to a pool of people."""
    event = offences.iloc[people["offence"]]
    born = (event["recorded"].to_numpy() / (365.25 * _DAY)).astype(np.int64) - people["age"]
    alike = [event["borough"].to_numpy(), born, people["group"], people["sex"]]
    kind = people.groupby(alike, sort=False).ngroup().to_numpy()
    pool = np.ceil(PLANTED["people_per_record"] * np.bincount(kind)).astype(np.int64)
    draw = rng.random(len(people)) ** PLANTED["unequal"]  # a few come back more often
    first = np.cumsum(pool) - pool
    return np.unique(first[kind] + (draw * pool[kind]).astype(np.int64), return_inverse=True)[1]


def _link_damage(
    offences: pd.DataFrame, codes: pd.DataFrame, rng: np.random.Generator
) -> np.ndarray:
    """Link a tenth of damage and arson to a listed offence of the same area and month, else −1."""
    role, where = offences["code"].map(codes["role"]), ["lsoa", "month"]
    listed = offences[(role == "listed") & (offences["status"] == 0)].drop_duplicates(where)
    found = offences[where].merge(listed[where].assign(linked=listed.index), how="left", on=where)
    some = (role == "property") & (rng.random(len(offences)) < 0.1)
    return found["linked"].where(some.to_numpy()).fillna(-1).to_numpy(dtype=np.int64)


def _draw_searches(
    city: City, months: pd.DatetimeIndex, span: np.ndarray, rng: np.random.Generator
) -> pd.DataFrame:
    risk = city.boroughs["risk"].to_numpy()[city.lsoas["borough"]]
    expected = _exposed(city, PLANTED["search_ratio"]) * risk * PLANTED["searches"] / 12000
    number = rng.poisson(np.repeat(expected[:, None], len(span), axis=1))
    lsoa, step = np.unravel_index(np.repeat(np.arange(number.size), number.ravel()), number.shape)
    month = span[step]
    people = _draw_cells(city, lsoa, "searched", PLANTED["search_ratio"], rng)
    size, draw = len(people), rng.random((5, len(people)))
    return people.assign(
        lsoa=lsoa,
        month=month,
        point=rng.integers(0, 8, size),
        minute=(draw[0] * (months.days_in_month.to_numpy()[month] * _DAY - 60)).astype(np.int64),
        is_placed=draw[1] >= 0.08,
        age_missing=draw[2] < 0.12,
        self_missing=draw[3] < 0.25,
        power=np.searchsorted([0.6, 0.97, 0.985], draw[4]),
        outcome=rng.choice(5, size, p=[0.70, 0.16, 0.09, 0.03, 0.02]),
    )
