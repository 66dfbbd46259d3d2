"""Compared with what: London, inner or outer London, the command unit, similar boroughs."""

from typing import Any

import numpy as np
import pandas as pd

from sna import definitions
from sna.definitions.views import words_of
from sna.rates import compare_words, funnel_dispersion, funnel_limits, rate_ratio
from sna.trend.change import dispersion
from sna.trend.panel import LONDON, TOO_LITTLE, Array, Panel, load_panel, no_rows

SIMILAR_BOROUGHS = 5


def _names(panel: Panel) -> pd.DataFrame:
    found = definitions.boroughs().set_index("borough_code").reindex(list(panel.codes))
    own = pd.Series({panel.codes[panel.mine]: panel.borough_name})  # may lie outside London
    return found.assign(borough_name=found["borough_name"].fillna(own))


def _last_year(panel: Panel) -> tuple[Array, Array, str]:
    """Return counts and residents of the last twelve months by borough, and the period."""
    rows = panel.years(1)[0]
    events, people = panel.counts[rows].sum(axis=0), panel.population[rows].mean(axis=0).round()
    return events, people, panel.period(rows)


def _groups(panel: Panel) -> dict[str, tuple[str, Any]]:
    """Return the areas beside the borough: name -> kind, and which boroughs are in it."""
    names = _names(panel)
    own = names.iloc[panel.mine]
    found: dict[str, tuple[str, Any]] = {}
    found[panel.borough_name] = "borough", names.index == own.name
    if not panel.has_london:
        return found
    unit, like = names["bcu"].eq(own["bcu"]), find_similar(panel)
    found[LONDON] = "London", np.ones(len(names), dtype=bool)
    part = f"{own['inner_outer'].title()} London"
    found[part] = "part of London", names["inner_outer"].eq(own["inner_outer"]).to_numpy()
    if unit.sum() > 1:
        found[f"{own['bcu']} command unit"] = "command unit", unit.to_numpy()
    if len(like):
        alike = names["borough_name"].isin(like["area"]).to_numpy()
        found["Most similar boroughs"] = "similar boroughs", alike
    for code, title in map(definitions.find_borough, panel.data.settings.comparators):
        if code != own.name:
            found[title] = "named in sna.toml", names.index == code
    return found


def compare_areas(data: Any) -> pd.DataFrame:
    """Compare the borough's yearly rate with London, its part, its command unit and the like.

    Boroughs that ``comparators`` of sna.toml names stand beside them, each on its own row.
    Higher says where, not why: visitors are victims too. ``word`` compares the borough with the
    area without it, by ``rest_ratio`` and its score limits widened by the borough's dispersion. One
    row an area.
    """
    made = load_panel(data)
    if not made.years(1):
        return no_rows("trend_areas")
    (events, people, period), names = _last_year(made), _names(made)["borough_name"]
    phi, rows = float(dispersion(made, made.series)[0]), []
    none = {"word": "", "rest_ratio": np.nan, "rest_low": np.nan, "rest_high": np.nan}
    for area, (kind, inside) in _groups(made).items():
        others = inside & (np.arange(len(inside)) != made.mine)
        own, other = made.shown([events[made.mine], events[others].sum()])
        pair = (own, people[made.mine], other, people[others].sum())
        total = {"offences": events[inside].sum(), "population": people[inside].sum()}
        members = ", ".join(names[inside]) if inside.sum() < 12 else ""
        against = _against(*(part / phi for part in pair), least=10 / phi) if others.any() else {}
        rows.append({"area": area, "kind": kind, "members": members} | none | against | total)
    return made.table(pd.DataFrame(rows), period=period, period_months=12)


def _against(x: float, n: float, y: float, m: float, *, least: float) -> dict[str, Any]:
    """Return the ratio of one rate to another, its limits and the word that they allow."""
    ratio = rate_ratio(x, n, y, m)
    if not np.isfinite(ratio.value) or x < least:
        return {"word": TOO_LITTLE}
    word = {"word": str(compare_words(*ratio[1:], 1))}
    return word | dict(zip(("rest_ratio", "rest_low", "rest_high"), ratio, strict=True))


def _describe(panel: Panel) -> pd.DataFrame:
    """Return what the boroughs are compared on, one column a variable known for all of them."""
    people = panel.data.population
    people = people[people["area_level"].astype("str").eq("borough")]
    people = people.assign(code=people["area_code"].astype("str"))
    found = {"residents": pd.Series(np.log(panel.population[-1]), index=list(panel.codes))}
    if {"age_lower", "age_upper"} <= set(people):
        everyone = people["age_lower"].eq(0) & people["age_upper"].ge(120)
        aged = people[people["age_lower"].notna() & ~everyone]
        found["under_25_share"] = _share(aged, aged["age_upper"] < 25)
        found["aged_65_share"] = _share(aged, aged["age_lower"] >= 65)
    if "ethnic_group" in people:
        groups = people[people["ethnic_group"].notna() & people["ethnic_group"].ne("all")]
        white = groups["ethnic_group"].astype("str").str.startswith("White")
        found["white_share"] = _share(groups, white)
    found["deprived_share"] = _deprived(panel.data)
    table = pd.DataFrame({name: part.reindex(list(panel.codes)) for name, part in found.items()})
    return table.loc[:, table.notna().all()]


def _share(people: pd.DataFrame, inside: pd.Series) -> pd.Series:
    size = people["population"].where(inside, 0.0).groupby(people["code"]).sum()
    return size / people.groupby("code")["population"].sum()


def _deprived(data: Any) -> pd.Series:
    ranks, lookup = data.deprivation, data.area_lookup
    if ranks is None or lookup is None or not {"lsoa_code", "domain"} <= set(ranks):
        return pd.Series(dtype=float)
    places = lookup.dropna(subset=["borough_code"]).drop_duplicates("lsoa_code")
    domain = ranks["domain"].astype("str")
    chosen = "income" if domain.eq("income").any() else "overall"
    rows = ranks[domain.eq(chosen) & ranks["edition"].eq(ranks["edition"][domain.eq(chosen)].max())]
    known = rows.merge(places[["lsoa_code", "borough_code"]], how="inner", on="lsoa_code")
    return known["decile"].le(2).groupby(known["borough_code"].astype("str")).mean()


def find_similar(data: Any, *, k: int = SIMILAR_BOROUGHS) -> pd.DataFrame:
    """Find the ``k`` boroughs most like this one on declared variables, nearest first.

    Alike in these variables only; ``distance`` is the root of summed squares of standardised
    differences. The City of London is left out. One row a borough and variable.
    """
    made = load_panel(data)
    own, table = made.codes[made.mine], _describe(made)
    table = table[(table.index != "E09000001") | (table.index == own)]
    scaled = ((table - table.mean()) / table.std().replace(0, np.nan)).dropna(axis=1)
    if scaled.shape[1] < 2 or len(table) < k + 2:
        return no_rows("trend_similar")
    gap = np.sqrt(((scaled - scaled.loc[own]) ** 2).sum(axis=1)).rename("distance")
    nearest = gap.drop(own).nsmallest(k)
    named = table.loc[nearest.index, scaled.columns].assign(
        area=_names(made)["borough_name"], distance=nearest
    )
    long = named.melt(["area", "distance"]).sort_values("distance", kind="stable")
    long = long.assign(variable=long["variable"].map(words_of("trend")["likeness"]))
    return long.reset_index(drop=True).assign(release_class="open", source="population")


def compare_funnel(data: Any) -> pd.DataFrame:
    """Set every borough beside the funnel of the London rate; no ranking, one row a borough.

    Limits at 95 and 99.8 % per 1,000, widened when boroughs are overdispersed; ``word`` goes by the
    wider ones. Empty under 30 boroughs or 20 offences.
    """
    made = load_panel(data)
    if not made.has_london or not made.years(1) or made.counts[made.years(1)[0]].sum() < 20:
        return no_rows("trend_funnel")
    events, people, period = _last_year(made)
    target, events = made.shown([events.sum()])[0] / people.sum(), made.shown(events)
    expected = people * target
    spread, limits = funnel_dispersion(events, expected), {}
    for confidence, name in ((0.95, "95"), (0.998, "998")):
        pair = funnel_limits(expected, confidence, tau_squared=spread.tau_squared)
        for side, limit in zip(("lower", "upper"), pair, strict=True):
            limits[f"{side}_{name}"] = np.round(1000 * target * limit, 2)
    rate, names = 1000 * events / people, _names(made)["borough_name"]
    above, below = rate > limits["upper_998"], rate < limits["lower_998"]
    facts = {"area": names.to_numpy(), "offences": events, "population": people, **limits}
    facts |= {"expected": np.round(expected), "target": round(1000 * target, 2)}
    facts |= {"word": np.select([above, below], ["higher", "lower"], "similar")}
    facts |= {"phi": spread.phi, "is_overdispersed": spread.is_overdispersed, "period": period}
    mine = np.arange(len(events)) == made.mine
    table = made.table(**facts, is_mine=mine, period_months=12)
    return table.sort_values("area", ignore_index=True)


def count_tiles(data: Any, *, years: int = 5) -> pd.DataFrame:
    """Count every borough's last whole years, each with its place on a tile map of London.

    No rows for a place outside London, which has no tile.
    """
    made, parts = load_panel(data), []
    if not made.has_london:
        return no_rows("trend_tiles")
    names = _names(made).rename(columns={"borough_name": "area"}).reset_index()
    names = names[["area", "tile_row", "tile_column"]].assign(is_mine=names.index == made.mine)
    for rows in made.years(years):
        end, people = made.period(rows).split(" to ")[1], made.population[rows].mean(axis=0).round()
        year = {"year": end, "offences": made.counts[rows].sum(axis=0), "population": people}
        parts.append(made.table(names, **year, period_months=12))
    return pd.concat(parts, ignore_index=True) if parts else no_rows("trend_tiles")
