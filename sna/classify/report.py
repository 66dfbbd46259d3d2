"""The rows and tables of the definition report: which source speaks, and how tightly."""

from typing import Any

import pandas as pd

from sna.classify.bounds import definition_bounds, release_class
from sna.classify.codes import normalise_text
from sna.classify.compare import count_bands_under
from sna.definitions import listed_families, profile_ids, proxies, read_profile
from sna.errors import CoverageError

# Sources that hold every offence of a borough, best first; the others add to the lower bound only.
WHOLE = ("extract", "home_office_csp", "mps_borough", "mps_dashboard_tno", "police_uk_street")
_MONTHS = 12
FLAGGED = "domestic abuse violence with injury"


def _year(offences: pd.DataFrame, end_month: Any) -> pd.DataFrame:
    end = pd.Timestamp(end_month)
    return offences[offences["month"].between(end - pd.DateOffset(months=_MONTHS - 1), end)]


def choose_rows(data: Any) -> pd.DataFrame:
    """Return the last twelve months of the best source that holds every offence of the borough.

    Sources overlap, so only one of them is ever counted.
    """
    rows = _year(data.offences, data.end_month)
    for source in WHOLE:
        found = rows[rows["source"].astype("str") == source]
        if len(found):
            return found.reset_index(drop=True)
    raise CoverageError(
        "No source of the store holds every offence of this borough.", where="offences",
        found=sorted(rows["source"].astype("str").unique()), do="Add an extract or MPS counts.",
    )  # fmt: skip


def _label(category: pd.Series) -> pd.Series:
    return category.astype("str").map(lambda text: normalise_text(str(text).split("|")[-1]))


def combine_bounds(data: Any) -> pd.DataFrame:
    """Give the bounds of each source for the same twelve months, and the tightest honest one.

    The upper bound is the smallest of the sources that hold every offence. The lower is the largest
    of theirs; where that is open data (sexual offences only) the flagged domestic violence with
    injury is added, which is disjoint from sexual offences. Victims and other flags never are.

    """
    rows, steps = _year(data.offences, data.end_month), []
    months = rows.groupby(rows["source"].astype("str"))["month"].nunique()
    for source in (s for s in WHOLE if s in months.index):
        part = rows[rows["source"].astype("str") == source]
        quarterly = "period_months" in part and part["period_months"].eq(3).all()
        whole = months[source] >= (4 if quarterly else _MONTHS)
        bound = definition_bounds(part, people=data.people if source == "extract" else None).iloc[0]
        steps.append(
            {
                "source": source,
                "step": "bounds of this source",
                "offences": bound["offences"],
                "lower": bound["lower"],
                "upper": bound["upper"],
                "used": "yes" if whole else f"no: {months[source]} periods of the year",
            }
        )
    table = pd.DataFrame(steps, columns=["source", "step", "offences", "lower", "upper", "used"])
    used = table[table["used"] == "yes"]
    if used.empty:
        return table.assign(release_class=release_class(rows))
    best = used.sort_values("upper", kind="stable").iloc[0]
    lower = int(used["lower"].max())
    if "extract" not in set(used["source"]) and (flagged := _flagged(rows)):
        table = pd.concat([table, pd.DataFrame([flagged])], ignore_index=True)
        lower += flagged["lower"] if flagged["used"].startswith("yes") else 0
    tight = {**best, "step": "tightest of all", "lower": lower, "upper": max(lower, best["upper"])}
    table = pd.concat([table, pd.DataFrame([tight])], ignore_index=True)
    return table.assign(release_class=release_class(rows))


def _flagged(rows: pd.DataFrame) -> dict[str, Any]:
    if "published_category" not in rows:
        return {}
    borough = rows["area_level"].astype("str") == "borough"
    part = rows[(_label(rows["published_category"]) == FLAGGED) & borough]
    if part.empty:
        return {}
    count, whole = int(part["offences"].sum()), part["month"].nunique() >= _MONTHS
    why = "yes, added to the lower bound" if whole else "no: not every month"
    return {"source": "mps_dashboard_other", "step": FLAGGED, "offences": count, "lower": count,
            "upper": count, "used": why}  # fmt: skip


def count_proxies(data: Any) -> pd.DataFrame:
    """Count what open data can say by label: proxies, each with what it is not."""
    rows = _year(data.offences, data.end_month)
    if "published_category" not in rows or rows["published_category"].isna().all():
        return pd.DataFrame(columns=["proxy", "offences", "unit", "note", "release_class"])
    rows = rows[rows["area_level"].astype("str") == "borough"]
    labels, sources, found = _label(rows["published_category"]), rows["source"].astype("str"), []
    for row in proxies().to_dict("records"):
        part = rows[labels == normalise_text(row["label"])]
        if len(part):
            first = sources[part.index].value_counts().index[0]
            count = int(part.loc[sources[part.index] == first, "offences"].sum())
            found.append({**row, "offences": count, "source": first})
    columns = ["proxy", "offences", "unit", "note", "source"]
    return pd.DataFrame(found, columns=columns).assign(release_class=release_class(rows))


def count_readings(rows: pd.DataFrame, *, people: pd.DataFrame | None = None) -> pd.DataFrame:
    """Count core, and core at most, under every profile that ships: other boroughs' readings."""
    profiles = [read_profile(name) for name in profile_ids()]
    kept = [p for p in profiles if p.status == "adopted"]
    return count_bands_under(rows, kept, people=people)


def count_families(rows: pd.DataFrame) -> pd.DataFrame:
    """Count listed offences by family beside the maximum penalty, for section 13(6) of the Act.

    The Act asks for the penalty, the impact on the victim, prevalence in the area and impact on the
    community. Impact is for the partnership to write: it is never computed here.
    """
    names = listed_families()
    inside = rows["band"].isin(["core", "listed_out_of_context", "indeterminate"])
    family = rows["listed_family"].astype("str")
    frame = pd.DataFrame({"listed_family": family, "offences": rows["offences"]})[inside]
    sums = frame.groupby("listed_family")["offences"].sum().reset_index()
    table = names.merge(sums, how="left", on="listed_family", validate="one_to_one")
    core = rows["offences"].where(rows["band"] == "core", 0).groupby(family).sum()
    table = table.assign(
        offences=table["offences"].fillna(0).astype("int64"),
        core=table["listed_family"].map(core).fillna(0).astype("int64"),
        release_class=release_class(rows),
    )
    return table[table["offences"] > 0].reset_index(drop=True)
