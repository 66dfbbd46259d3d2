"""Contracts of the result tables of `sna.hotspots`."""

from sna.schemas.results import Derived, Estimate, ResultTable, register

_PERIOD = ("period_start", "period_end", "period_months")
_RATE = Derived("rate", "rate", ("offences", "person_years"), ("lower_ci", "upper_ci"))
_BOROUGH = Derived("borough_rate", "rate", ("borough_offences", "borough_person_years"))

register(
    ResultTable(
        name="hotspot_areas",
        grain="one row a ward or LSOA of the borough",
        keys=("area_code", "area_name"),
        counts=("offences", "borough_offences"),
        derived=(
            _RATE,
            Derived("offences_per_km2", "rate", ("offences", "area_km2"), per=1),
            _BOROUGH,
        ),
        estimates=(
            Estimate("smoothed_rate", "offences"),
            Estimate("smoothed_lower_ci", "offences"),
            Estimate("smoothed_upper_ci", "offences"),
            Estimate("rank", "offences"),
            Estimate("rank_lower", "offences"),
            Estimate("rank_upper", "offences"),
            Estimate("gi_star_z", "window_offences"),
            Estimate("p_adjusted", "window_offences"),
        ),
        plain=(
            *("area_level", "borough_code", "population", "area_km2"),
            *(
                "person_years",
                "borough_person_years",
                "compared",
                "hotspot_class",
                "measure",
                *_PERIOD,
            ),
        ),
        units={
            "rate": "offences per 1,000 residents a year",
            "area_km2": "square kilometres",
            "offences_per_km2": "offences per square kilometre",
            "p_adjusted": "Benjamini-Hochberg adjusted, two-sided",
        },
    ),
    ResultTable(
        name="hotspot_concentration",
        grain="one row: all areas of one level in the borough",
        keys=("area_level",),
        counts=("offences",),
        estimates=tuple(
            Estimate(name, "offences")
            for name in (
                *("share_for_half", "lower_ci", "upper_ci", "chance_share"),
                *("gini", "generalised_gini", "top_tenth_share"),
            )
        ),
        plain=("areas", *_PERIOD),
        units={"share_for_half": "share of areas", "top_tenth_share": "share of offences"},
    ),
    ResultTable(
        name="hotspot_lorenz",
        grain="one row a step of the share of areas, those with most offences first",
        keys=("area_share",),
        counts=("offences_held", "offences"),
        derived=(Derived("offence_share", "share", ("offences_held", "offences")),),
        plain=("area_level", *_PERIOD),
    ),
    ResultTable(
        name="hotspot_persistence",
        grain="one row a ward or LSOA",
        keys=("area_code", "area_name"),
        counts=("offences",),
        plain=(
            *("area_level", "persistence", "trend", "periods", "periods_hot"),
            *("years", "years_in_top_tenth", *_PERIOD),
        ),
    ),
    ResultTable(
        name="hotspot_prediction",
        grain="one row a definition of a hotspot",
        keys=("method",),
        counts=("hits", "offences"),
        derived=(Derived("hit_rate", "share", ("hits", "offences"), ("lower_ci", "upper_ci")),),
        estimates=(Estimate("pai", "hits"), Estimate("pei", "hits"), Estimate("p_value", "hits")),
        plain=("areas_flagged", "areas", "is_recommended", "area_level", *_PERIOD),
        units={"pai": "share of offences over share of areas", "pei": "share of best possible"},
    ),
)
