"""Contracts of the result tables of `sna.hotspots`."""

from sna.schemas.results import Derived, Estimate, ResultTable, register

_PERIOD = ("area_level", "period_start", "period_end", "period_months")
_AREA = ("area_code", "area_name")
_SMOOTH = ("smoothed_rate", "smoothed_lower_ci", "smoothed_upper_ci",
           "rank", "rank_lower", "rank_upper")  # fmt: skip
_SPREAD = ("share_for_half", "lower_ci", "upper_ci", "chance_share", "generalised_gini",
           "top_tenth_share")  # fmt: skip


def _estimates(names: tuple[str, ...], count: str = "offences") -> tuple[Estimate, ...]:
    return tuple(Estimate(name, count) for name in names)


register(
    ResultTable(
        "hotspot_areas", "one row a ward or LSOA of the borough", _AREA,
        ("offences", "borough_offences"),
        derived=(
            Derived("rate", "rate", ("offences", "person_years"), ("lower_ci", "upper_ci")),
            Derived("offences_per_km2", "rate", ("offences", "area_km2"), per=1),
            Derived("borough_rate", "rate", ("borough_offences", "borough_person_years")),
        ),
        estimates=_estimates(_SMOOTH) + _estimates(("gi_star_z", "p_adjusted"), "window_offences"),
        plain=("borough_code", "population", "area_km2", "person_years", "borough_person_years",
               "compared", "hotspot_class", "measure", *_PERIOD),
        units={"rate": "offences per 1,000 residents a year", "area_km2": "square kilometres",
               "offences_per_km2": "offences per square kilometre",
               "p_adjusted": "Benjamini-Hochberg adjusted, two-sided"},
    ),
    ResultTable(
        "hotspot_concentration", "one row: all areas of one level in the borough",
        ("area_level",), ("offences",), estimates=_estimates(_SPREAD),
        plain=("areas", *_PERIOD[1:]),
        units={"share_for_half": "share of areas", "top_tenth_share": "share of offences"},
    ),
    ResultTable(
        "hotspot_lorenz", "one row a step of the share of areas, those with most offences first",
        ("area_share",), ("offences_held", "offences"),
        derived=(Derived("offence_share", "share", ("offences_held", "offences")),), plain=_PERIOD,
    ),
    ResultTable(
        "hotspot_persistence", "one row a ward or LSOA", _AREA, ("offences",),
        plain=("persistence", "trend", "periods", "periods_hot", "years", "years_in_top_tenth",
               *_PERIOD),
    ),
    ResultTable(
        "hotspot_prediction", "one row a definition of a hotspot", ("method",),
        ("hits", "offences"),
        derived=(Derived("hit_rate", "share", ("hits", "offences"), ("lower_ci", "upper_ci")),),
        estimates=_estimates(("pai", "pei", "p_value"), "hits"),
        plain=("areas_flagged", "areas", "is_recommended", *_PERIOD),
        units={"pai": "share of offences over share of areas", "pei": "share of best possible"},
    ),
    ResultTable(
        "hotspot_straddling", "one row an area of a hotspot that crosses the border",
        ("group", *_AREA), ("offences",), plain=("borough_code", *_PERIOD),
    ),
    ResultTable(
        "hotspot_boroughs", "one row a borough of London", ("borough_code", "borough_name"),
        ("offences",), derived=(Derived("rate", "rate", ("offences", "population")),),
        plain=("population", "measure", *_PERIOD),
        units={"rate": "offences per 1,000 residents a year"},
    ),
    ResultTable(
        "hotspot_flows", "one row a role and home borough of people in offences of the borough",
        ("person_role", "home_borough"), ("people", "people_of_role"),
        derived=(Derived("share", "share", ("people", "people_of_role")),), plain=_PERIOD,
    ),
    ResultTable(
        "place_profile", "one row an aspect and label of one area",
        ("area_code", "aspect", "label"), ("recorded", "whole"),
        derived=(Derived("share", "share", ("recorded", "whole")),),
        plain=("area_name", "unit", *_PERIOD),
    ),
)  # fmt: skip
