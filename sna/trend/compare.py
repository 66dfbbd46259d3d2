"""Compared with what: London, inner or outer London, the command unit, similar boroughs."""

from typing import Any

import numpy as np
import pandas as pd

from sna import definitions
from sna.rates import funnel_dispersion, funnel_limits, rate_ratio
from sna.trend.change import dispersion
from sna.trend.panel import LONDON, TOO_LITTLE, Array, Panel, load_panel, no_rows

SIMILAR_BOROUGHS = 5
VARIABLES = {  # variable -> what it is, printed beside the list
    "residents": "residents (logarithm)",
    "under_25_share": "share of residents under 25",
    "aged_65_share": "share of residents 65 and over",
    "white_share": "share of residents in White groups",
    "deprived_share": "share of small areas in the most income-deprived fifth of England",
}


def _names(panel: Panel) -> pd.DataFrame:
    return definitions.boroughs().set_index("borough_code").reindex(list(panel.codes))


def compare_areas(data: Any) -> pd.DataFrame:
    """Compare the borough's yearly rate with London, its part, its command unit and the like.

    Higher says where, not why: visitors are victims too. ``word`` compares the borough with the
    area without it, by score limits widened by the borough's dispersion. One row an area.
    """
    made = load_panel(data)
    if len(made.months) < made.per_year:
        return no_rows("trend_areas")
    events, people, period = made.last_year()
    names, mine = _names(made), made.mine
    groups = {made.borough_name: ("borough", np.arange(len(made.codes)) == mine)}
    if made.has_london:
        part, unit = names["inner_outer"].iloc[mine], names["bcu"].iloc[mine]
        groups[LONDON] = ("London", np.ones(len(made.codes), dtype=bool))
        same = names["inner_outer"].eq(part).to_numpy()
        groups[f"{str(part).title()} London"] = ("part of London", same)
        inside = names["bcu"].eq(unit).to_numpy()
        if inside.sum() > 1:
            groups[f"{unit} command unit"] = ("command unit", inside)
        like = find_similar(made)
        if len(like):
            alike = names["borough_name"].isin(like["area"]).to_numpy()
            groups["Most similar boroughs"] = ("similar boroughs", alike)
    phi = float(dispersion(made, made.series)[0])
    rows = []
    for area, (kind, inside) in groups.items():
        others = inside & (np.arange(len(inside)) != mine)
        rows.append(
            made.label(
                area=area, kind=kind, period=period, offences=events[inside].sum(),
                population=people[inside].sum(), period_months=12,
                members=", ".join(names["borough_name"][inside]) if inside.sum() < 12 else "",
                word=_word(events, people, mine, others, phi) if others.any() else "",
            )
        )  # fmt: skip
    return pd.DataFrame(rows)


def _word(events: Array, people: Array, mine: int, others: Any, phi: float) -> str:
    other = events[others].sum(), people[others].sum()
    ratio = rate_ratio(*(part / phi for part in (events[mine], people[mine], *other)))
    if not np.isfinite(ratio.value) or events[mine] < 10:
        return TOO_LITTLE
    return "higher" if ratio.lower_ci > 1 else "lower" if ratio.upper_ci < 1 else "similar"


def _describe(data: Any, codes: tuple[str, ...]) -> pd.DataFrame:
    people = data.population[data.population["area_level"].astype(str).eq("borough")]
    people = people.assign(code=people["area_code"].astype(str))
    found: dict[str, pd.Series] = {}
    if {"age_lower", "age_upper"} <= set(people):
        everyone = people["age_lower"].eq(0) & people["age_upper"].ge(120)
        aged = people[people["age_lower"].notna() & ~everyone]
        found["under_25_share"] = _share(aged, aged["age_upper"] < 25)
        found["aged_65_share"] = _share(aged, aged["age_lower"] >= 65)
    if "ethnic_group" in people:
        label = people["ethnic_group"].astype(str).where(people["ethnic_group"].notna(), "all")
        groups = people[label.ne("all")]
        found["white_share"] = _share(groups, label[groups.index].str.startswith("White"))
    found["deprived_share"] = _deprived(data)
    table = pd.DataFrame({name: part.reindex(list(codes)) for name, part in found.items()})
    return table.loc[:, table.notna().all()]


def _share(people: pd.DataFrame, inside: pd.Series) -> pd.Series:
    size = people["population"].where(inside, 0.0).groupby(people["code"]).sum()
    return size / people.groupby("code")["population"].sum()


def _deprived(data: Any) -> pd.Series:
    ranks, lookup = data.deprivation, data.area_lookup
    if ranks is None or lookup is None or not {"lsoa_code", "domain"} <= set(ranks):
        return pd.Series(dtype=float)
    places = lookup.dropna(subset=["borough_code"]).drop_duplicates("lsoa_code")
    rows = ranks[ranks["domain"].astype(str).isin(["income", "overall"])]
    domain = "income" if rows["domain"].eq("income").any() else "overall"
    rows = rows[rows["domain"].astype(str).eq(domain) & rows["edition"].eq(rows["edition"].max())]
    known = rows.merge(places[["lsoa_code", "borough_code"]], how="inner", on="lsoa_code")
    return known["decile"].le(2).groupby(known["borough_code"].astype(str)).mean()


def find_similar(data: Any, *, k: int = SIMILAR_BOROUGHS) -> pd.DataFrame:
    """Find the ``k`` boroughs most like this one on declared variables, nearest first.

    Alike in these variables only; ``distance`` is the root of summed squares of standardised
    differences. The City of London is left out. One row a borough and variable.
    """
    made = load_panel(data)
    table = _describe(made.data, made.codes)
    residents = pd.Series(np.log(made.population[-1]), index=list(made.codes), name="residents")
    table = pd.concat([residents, table], axis=1)
    table = table[(table.index != "E09000001") | (table.index == made.borough_code)]
    spread = table.std().replace(0, np.nan)
    scaled = ((table - table.mean()) / spread).dropna(axis=1)
    if scaled.shape[1] < 2 or len(table) < k + 2:
        return no_rows("trend_similar")
    gap = np.sqrt(((scaled - scaled.loc[made.borough_code]) ** 2).sum(axis=1))
    nearest = gap.drop(made.borough_code).nsmallest(k)
    names = _names(made)["borough_name"]
    return pd.DataFrame(
        [
            {"area": names[code], "variable": VARIABLES[str(name)], "distance": float(far),
             "value": table.loc[code, name], "release_class": "open", "source": "population"}
            for code, far in nearest.items() for name in scaled.columns
        ]
    )  # fmt: skip


def compare_funnel(data: Any) -> pd.DataFrame:
    """Set every borough beside the funnel of the London rate; no ranking, one row a borough.

    Limits at 95 and 99.8 % per 1,000, widened when boroughs are overdispersed; ``word`` goes by the
    wider ones. Empty under 30 boroughs or 20 offences.
    """
    made = load_panel(data)
    if not made.has_london or len(made.months) < made.per_year or made.counts[-12:].sum() < 20:
        return no_rows("trend_funnel")
    events, people, period = made.last_year()
    target = events.sum() / people.sum()
    expected = people * target
    spread = funnel_dispersion(events, expected)
    limits = {}
    for confidence, name in ((0.95, "95"), (0.998, "998")):
        low, high = funnel_limits(expected, confidence, tau_squared=spread.tau_squared)
        for side, limit in (("lower", low), ("upper", high)):
            limits[f"{side}_{name}"] = np.round(1000 * target * limit, 2)
    rate = 1000 * events / people
    outside = [rate > limits["upper_998"], rate < limits["lower_998"]]
    word = np.select(outside, ["higher", "lower"], "similar")
    return pd.DataFrame(
        made.label(
            area=_names(made)["borough_name"].to_numpy(), period=period, offences=events,
            population=people, expected=expected.round(), target=round(1000 * target, 2), **limits,
            phi=spread.phi, is_overdispersed=spread.is_overdispersed, word=word,
            is_mine=np.arange(len(events)) == made.mine, period_months=12,
        )
    ).sort_values("area", ignore_index=True)  # fmt: skip


def count_tiles(data: Any, *, years: int = 5) -> pd.DataFrame:
    """Count every borough's last whole years, each with its place on a tile map of London."""
    made = load_panel(data)
    number = min(years, len(made.months) // made.per_year)
    rows = number * made.per_year
    names = _names(made)
    parts = []
    for back in range(number):
        inside = slice(len(made.months) - rows + back * made.per_year, None)
        stop = inside.start + made.per_year
        parts.append(
            pd.DataFrame(
                made.label(
                    area=names["borough_name"].to_numpy(), year=f"{made.months[stop - 1]:%B %Y}",
                    offences=made.counts[inside.start : stop].sum(axis=0),
                    population=made.population[inside.start : stop].mean(axis=0),
                    tile_row=names["tile_row"].to_numpy(),
                    tile_column=names["tile_column"].to_numpy(),
                    is_mine=np.arange(len(names)) == made.mine, period_months=12,
                )
            )
        )  # fmt: skip
    return pd.concat(parts, ignore_index=True) if parts else no_rows("trend_tiles")
