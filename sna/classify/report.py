"""The rows and tables of the definition report: which source speaks, and how tightly."""

from typing import Any

import pandas as pd

from sna.classify.bounds import definition_bounds, origin, release_class
from sna.classify.codes import normalise_text, rows_of
from sna.classify.compare import count_bands_under
from sna.definitions import listed_families, profile_ids, proxies, read_profile, whole_sources
from sna.errors import CoverageError

FLAGGED = "domestic abuse violence with injury"


def _window(offences: pd.DataFrame, end: Any) -> pd.DataFrame:
    months = offences["month"]
    return offences[months.between(end - pd.DateOffset(months=11), end)].reset_index(drop=True)


def _best(data: Any) -> tuple[str, Any]:
    source, month = data.offences["source"].astype("str"), data.offences["month"]
    for name in whole_sources()["source"]:
        if (source == name).any():
            return name, month[(source == name) & month.le(data.end_month)].max()
    raise CoverageError(
        "No source of the store holds every offence of this borough.", where="offences",
        found=sorted(source.unique()), do="Add an extract or MPS counts by borough.",
    )  # fmt: skip


def choose_rows(data: Any) -> pd.DataFrame:
    """Return the last twelve months of the best source that holds every offence of the borough.

    Sources overlap, so only one of them is ever counted.
    """
    name, end = _best(data)
    return _window(data.offences[data.offences["source"].astype("str") == name], end)


def _label(category: pd.Series) -> pd.Series:
    return category.astype("str").map(lambda text: normalise_text(str(text).split("|")[-1]))


def combine_bounds(data: Any) -> pd.DataFrame:
    """Give the bounds of each source for the same twelve months, and the tightest honest one.

    The upper bound is the smallest of the sources that hold every offence. The lower is the largest
    of theirs; where that is open data (sexual offences only) the flagged domestic violence with
    injury is added, which is disjoint from sexual offences. Victims and other flags never are.
    """
    rows = _window(data.offences, _best(data)[1])
    steps: list[dict[Any, Any]] = []
    source = rows["source"].astype("str")
    period = f"{rows['month'].min():%B %Y} to {rows['month'].max():%B %Y}"
    for row in rows_of(whole_sources()):
        part = rows[source == row["source"]]
        if part.empty:
            continue
        bound = definition_bounds(part, people=data.people if row["source"] == "extract" else None)
        covered = part["month"].nunique() * int(part["period_months"].max())
        whole = "yes" if covered >= 12 else f"no: {covered} of 12 months"
        facts = bound[["offences", "lower", "upper"]].iloc[0].to_dict()
        steps.append({"source": row["source"], "step": row["name"], **facts, "used": whole})
    used = pd.DataFrame([step for step in steps if step["used"] == "yes"])
    if len(used):
        best, lower = used.sort_values("upper", kind="stable").iloc[0], int(used["lower"].max())
        flagged = {} if "extract" in set(used["source"]) else _flagged(rows)
        if flagged:
            steps.append(flagged)
            lower += flagged["lower"] if flagged["used"].startswith("yes") else 0
        upper = max(lower, best["upper"])
        steps.append({**best, "step": "Tightest of all", "lower": lower, "upper": upper})
    return pd.DataFrame(steps).assign(period=period, release_class=release_class(rows))


def _flagged(rows: pd.DataFrame) -> dict[str, Any]:
    part = rows[(_label(rows["published_category"]) == FLAGGED) & (rows["area_level"] == "borough")]
    if part.empty:
        return {}
    whole, count = part["month"].nunique() >= 12, int(part["offences"].sum())
    return {"source": "mps_dashboard_other", "step": "Flagged domestic violence with injury",
            "offences": count, "lower": count, "upper": count,
            "used": "yes, added to the lowest" if whole else "no: not every month"}  # fmt: skip


def count_proxies(data: Any) -> pd.DataFrame:
    """Count what open data can say by label over a year: proxies, each with what it is not."""
    found, rows = [], data.offences
    if "published_category" in rows:
        rows = rows[rows["published_category"].notna() & (rows["area_level"] == "borough")]
        labels = _label(rows["published_category"])
        for row in rows_of(proxies()):
            part = rows[labels == normalise_text(row["label"])]
            if len(part):
                year = _window(part[part["source"] == part["source"].iloc[0]], part["month"].max())
                period = f"{year['month'].min():%B %Y} to {year['month'].max():%B %Y}"
                found.append({**row, "offences": int(year["offences"].sum()), "period": period})
    columns = ["proxy", "offences", "unit", "note", "period"]
    table = pd.DataFrame(found, columns=columns).astype({"offences": "int64"})
    return table.assign(release_class=release_class(rows))


def count_readings(rows: pd.DataFrame, *, people: pd.DataFrame | None = None) -> pd.DataFrame:
    """Count core, and core at most, under every profile that ships: other boroughs' readings."""
    profiles = [read_profile(name) for name in profile_ids()]
    kept = [profile for profile in profiles if profile.status == "adopted"]
    return count_bands_under(rows, kept, people=people)


def count_families(rows: pd.DataFrame) -> pd.DataFrame:
    """Count listed offences by family beside the maximum penalty, for section 13(6) of the Act.

    The Act also asks for the impact on the victim and on the community: that is for the
    partnership to write and is never computed.
    """
    family, counts = rows["listed_family"].astype("str"), rows["offences"]
    inside = rows["band"].isin(["core", "listed_out_of_context", "indeterminate"])
    sums = {"offences": counts.where(inside, 0), "core": counts.where(rows["band"] == "core", 0)}
    table = listed_families()
    for name, values in sums.items():
        found = table["listed_family"].map(values.groupby(family).sum()).fillna(0)
        table = table.assign(**{name: found.astype("int64")})
    return table[table["offences"] > 0].assign(**origin(rows))
