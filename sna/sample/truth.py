"""The planted answers, and the bands of the default definition worked out a second way.

Written from the text of the definition for plain records only; it shares nothing with
``sna.classify``, so that the two can be held against each other.
"""

from typing import Any

import numpy as np
import pandas as pd

from sna.sample import offences as planted
from sna.sample.city import City
from sna.sample.offences import Events

_FALSE, _UNKNOWN, _TRUE = 0, 1, 2
CORE, CONTEXT, OUT_OF_CONTEXT, UNDECIDED, OUT = range(5)
BAND_NAMES = ("core", "context_only", "listed_out_of_context", "indeterminate", "out")


def find_bands(events: Events) -> np.ndarray:
    """Return the band of every offence as recorded, profile ``london_2023``."""
    rows, codes = events.offences, events.codes
    code = rows["code"].to_numpy()
    role = codes["role"].to_numpy().astype(str)[code]
    victim, any_young, under_16 = _read_ages(events)
    abuse = np.where(under_16, _FALSE, rows["domestic"].to_numpy())
    abuse = np.where(codes["offence_code"].eq("8U").to_numpy()[code], _TRUE, abuse)
    sexual = _TRUE * codes["sexual"].to_numpy()[code]
    context = np.maximum.reduce([victim, any_young, abuse, sexual])
    exploited = np.maximum.reduce([victim, abuse, sexual])
    band = np.select(
        [role == "listed", role == "near", role == "exploitation"],
        [
            np.array([OUT_OF_CONTEXT, UNDECIDED, CORE])[context],
            np.array([OUT, UNDECIDED, CONTEXT])[context],
            np.array([OUT, UNDECIDED, CONTEXT])[exploited],
        ],
        OUT,
    )
    band = np.where(role == "property", _damage_bands(band, rows["linked"].to_numpy(), abuse), band)
    return np.asarray(np.where(rows["status"] == 0, band, OUT))


def _read_ages(events: Events) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return: victim under 25 (three-valued), a suspect known under 25, anyone known under 16."""
    people, size = events.people, len(events.offences)
    offence = people["offence"].to_numpy()
    is_victim, hidden = people["is_victim"].to_numpy(), people["age_missing"].to_numpy()
    age = np.where(hidden, 999, people["age"].to_numpy())

    def any_of(mark: np.ndarray) -> np.ndarray:
        return np.bincount(offence[mark], minlength=size) > 0

    young = any_of(is_victim & (age < 25))
    unknown = any_of(is_victim & hidden) | ~any_of(is_victim)
    suspect = any_of(~is_victim & (age < 25))
    victim = np.select([young, unknown], [_TRUE, _UNKNOWN], _FALSE)
    return victim, np.where(suspect, _TRUE, _FALSE), any_of(age < 16)


def _damage_bands(band: np.ndarray, linked: np.ndarray, abuse: np.ndarray) -> np.ndarray:
    """Return the band that damage or arson has: its companion's, unless abuse alone decides."""
    alone = np.array([OUT, UNDECIDED, CONTEXT])[abuse]
    companion = band[linked]
    beside = np.array([OUT_OF_CONTEXT, UNDECIDED, CONTEXT])[abuse]
    together = np.select([companion == CORE, companion == UNDECIDED], [CORE, UNDECIDED], beside)
    return np.where(linked < 0, alone, together)


def describe_truth(city: City, events: Events, settings: dict[str, Any]) -> dict[str, Any]:
    """Collect the planted answers, ready for ``truth.json``."""
    rows = events.offences
    band = find_bands(events)
    listed = events.codes["role"].eq("listed").to_numpy()[rows["code"]]
    damage = events.codes["role"].eq("property").to_numpy()[rows["code"]]
    companion = np.where(rows["linked"] >= 0, band[rows["linked"]], OUT)
    possible = (band == UNDECIDED) & (listed | (damage & (companion == UNDECIDED)))
    names = city.boroughs["borough_name"].to_numpy()
    table = pd.crosstab(names[rows["borough"]], np.array(BAND_NAMES)[band])
    table = table.reindex(columns=list(BAND_NAMES), fill_value=0)
    table = table.assign(core_possible=pd.Series(possible).groupby(names[rows["borough"]]).sum())
    hot = city.lsoas[city.lsoas["is_hotspot"]]
    return {
        "note": "Simulated data. These are the answers that were planted.",
        "settings": settings,
        "offences": len(rows),
        "recorded_offences": int((rows["status"] == 0).sum()),
        "yearly_change_pct": 100 * planted.YEARLY_CHANGE,
        "step_change": {
            "borough": str(names[events.step_borough]),
            "month": f"{events.months[events.step_month]:%Y-%m}",
            "ratio": planted.STEP_RATIO,
        },
        "hotspots": {
            "ratio_to_other_areas": planted.HOTSPOT_RATIO,
            "lsoa_codes": {
                str(names[row]): hot.loc[hot["borough"] == row, "lsoa_code"].tolist()
                for row in hot["borough"].unique()
            },
        },
        "victim_rate_ratio": {
            "group": "Black",
            "reference": "White",
            "ratio": planted.VICTIM_RATIO,
            "note": "at every age: the age-standardised ratio; 1 for the other groups",
        },
        "search_rate_ratio": {
            "group": "Black",
            "reference": "White",
            "ratio": planted.SEARCH_RATIO,
        },
        "deprivation_log_rate_per_decile": planted.DEPRIVATION_SLOPE,
        "shares": planted.SHARES,
        "bands_london_2023": {
            "London": {key: int(value) for key, value in table.sum().items()},
            **{str(name): {k: int(v) for k, v in row.items()} for name, row in table.iterrows()},
        },
    }
