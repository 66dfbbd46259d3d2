"""The problem profile of one ward or LSOA: what, when, who, neighbours, and what is missing."""

from typing import Any

import numpy as np
import pandas as pd

from sna.counts import aoristic_weights
from sna.errors import UsageError
from sna.hotspots.areas import AreaCounts, area_codes, select_series
from sna.hotspots.persistence import count_periods

# aspect -> column of the offences, the first that is there
_KINDS = {
    "What": ("published_category", "listed_family", "offence_text"),
    "Weapon": ("weapon_feature",),
    "Outcome": ("outcome",),
    "Premises": ("premises_type",),
}
_WHO = {
    "Victims by age": ("victim", "age_band"),
    "Victims by sex": ("victim", "sex"),
    "Suspects by age": ("suspect", "age_band"),
    "Suspects by sex": ("suspect", "sex"),
}
_AGES, _AGE_NAMES = (0, 18, 25, 35, 50, 130), ("under 18", "18–24", "25–34", "35–49", "50 or over")
_HOURS = ("00–06", "06–12", "12–18", "18–24")


def find_area(areas: pd.DataFrame, text: str) -> pd.Series:
    """Return the newest area meant by a code or a name; a name of two areas is an error."""
    wanted = text.strip().casefold()
    same = areas["area_code"].str.casefold().eq(wanted) | areas["area_name"].str.casefold().eq(
        wanted
    )
    found = areas[same].sort_values("edition").drop_duplicates("area_code", keep="last")
    if len(found) == 1:
        return found.iloc[0]
    near = areas[areas["area_name"].str.casefold().str.contains(wanted[:4], regex=False)]
    shown = found if len(found) else near
    names = (shown["area_code"] + " " + shown["area_name"]).unique()
    raise UsageError(
        f"{len(found) or 'No'} areas are called {text!r}.",
        where="area",
        found=names,
        do="Give the code of a ward (E05…) or LSOA (E01…).",
    )


def profile_place(data: Any, counts: AreaCounts, area_code: str) -> pd.DataFrame:
    """Count what is known of one area, over the months of `counts` (made at the area's level).

    One row an aspect and label: ``recorded`` (offences, or people where ``unit`` says so) and
    ``whole`` (all of the aspect). Hours are shared over the time in which an offence can have
    happened and rounded. Unknown values are rows of their own.
    """
    areas = counts.areas.set_index("area_code")
    if area_code not in areas.index[areas["is_tested"]]:
        raise UsageError(
            f"{area_code} does not lie in {data.borough_name}.",
            where="area",
            found=area_code,
            do="Name the borough that it lies in.",
        )
    area = areas.loc[area_code]
    rows = data.offences[data.offences["source"].astype("str") == area["source"]]
    rows = select_series(rows)[0]
    rows = rows[area_codes(rows, str(area["area_level"]), data).eq(area_code).to_numpy()]
    rows = rows[rows["month"].between(area["period_start"], area["period_end"])]
    parts = [_quarters(counts, area_code), *_kinds(rows), _hours(rows), *_people(rows, data)]
    near = counts.neighbours.matrix[[areas.index.get_loc(area_code)]].indices
    beside = counts.areas.iloc[near].set_index("area_name")["offences"]
    parts.append(_part("Beside it", beside.sort_values(ascending=False)))
    keep = ["area_level", "period_start", "period_end", "source", "release_class", "area_name"]
    made = pd.concat([part for part in parts if len(part)], ignore_index=True)
    months = made["period_months"].fillna(area["period_months"])
    return made.assign(area_code=area_code, **area[keep]).assign(period_months=months)


def _part(aspect: str, counted: pd.Series, unit: str = "offences", **more: Any) -> pd.DataFrame:
    made = pd.DataFrame({"label": counted.index.astype("str"), "recorded": counted.to_numpy()})
    extra = {"aspect": aspect, "unit": unit, "sensitivity": "standard", "period_months": None}
    return made.assign(whole=made["recorded"].sum(), **extra | more)


def _quarters(counts: AreaCounts, area_code: str) -> pd.DataFrame:
    periods = count_periods(counts.monthly, period_months=3).loc[area_code]
    ends = pd.DatetimeIndex(periods.index)
    names = (ends - pd.DateOffset(months=2)).strftime("%B %Y") + " to " + ends.strftime("%B %Y")
    return _part("Quarter", pd.Series(periods.to_numpy(), names), period_months=3)


def _kinds(rows: pd.DataFrame) -> list[pd.DataFrame]:
    parts = []
    for aspect, columns in _KINDS.items():
        known = [name for name in columns if name in rows and rows[name].notna().any()]
        if known:
            label = rows[known[0]].astype("object").fillna("not known").str.split("|").str[-1]
            label = label.str.strip().str.replace("_", " ")
            label = label.mask(label.str.isupper(), label.str.capitalize())
            label = label.replace({"": "other", "none": "no weapon"})
            parts.append(_part(aspect, rows.groupby(label)["offences"].sum().nlargest(12)))
    return parts


def _hours(rows: pd.DataFrame) -> pd.DataFrame:
    if "committed_from" not in rows or rows["committed_from"].isna().all():
        return pd.DataFrame()
    begin = rows["committed_from"]
    week = aoristic_weights(begin, rows.get("committed_to", begin)).sum(axis=0)
    blocks = week.reshape(7, len(_HOURS), -1).sum(axis=2)
    days = {"Monday to Friday": blocks[:5], "Saturday and Sunday": blocks[5:]}
    counted = pd.Series(np.concatenate([part.sum(axis=0) for part in days.values()]).round())
    counted.index = [f"{name}, {hours}" for name in days for hours in _HOURS]
    counted["not known"] = int(begin.isna().sum())
    return _part("When", counted)


def _people(rows: pd.DataFrame, data: Any) -> list[pd.DataFrame]:
    """Count victims and suspects; a suspect is one named on the record, and most have none."""
    people = data.people
    if people is None or "offence_id" not in people or "offence_id" not in rows:
        return []
    theirs = people[people["offence_id"].isin(rows["offence_id"].dropna())]
    if "age" in theirs:
        bands = pd.cut(theirs["age"], _AGES, right=False, labels=_AGE_NAMES).astype("object")
        given = theirs.get("age_band", bands).astype("object")
        theirs = theirs.assign(age_band=given.where(given.notna(), bands))
    parts = []
    for aspect, (role, column) in _WHO.items():
        own = theirs[theirs["person_role"].astype("str") == role]
        if column in own and len(own):
            label = own[column].astype("object").fillna("not known")
            total = own.groupby(label)["people"].sum()
            parts.append(_part(aspect, total, "people", sensitivity="sensitive"))
    return parts
