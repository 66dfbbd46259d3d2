"""The planted answers, and the bands of the default definition worked out a second way.

Written from the text of the definition, for plain records; it shares nothing with `sna.classify`.
"""

from typing import Any

import numpy as np
import pandas as pd

from sna.sample.city import PLANTED, City
from sna.sample.offences import Events

_FALSE, _UNKNOWN, _TRUE = 0, 1, 2
CORE, CONTEXT, OUT_OF_CONTEXT, UNDECIDED, OUT = range(5)
BAND_NAMES = ("core", "context_only", "listed_out_of_context", "indeterminate", "out")


def find_bands(events: Events) -> np.ndarray:
    """Return the band of every offence as recorded, profile ``london_2023``."""
    rows, codes = events.offences, events.codes
    code, linked = rows["code"].to_numpy(), rows["linked"].to_numpy()
    role = codes["role"].to_numpy().astype(str)[code]
    victim, suspect, under_16 = _read_ages(events)
    abuse = np.where(under_16, _FALSE, rows["domestic"].to_numpy())
    abuse = np.where(codes["offence_code"].eq("8U").to_numpy()[code], _TRUE, abuse)
    sexual = _TRUE * codes["sexual"].to_numpy()[code]
    exploited = np.maximum.reduce([victim, abuse, sexual])
    listed = np.array([OUT_OF_CONTEXT, UNDECIDED, CORE])[np.maximum(exploited, suspect)]
    near, alone = np.array([OUT, UNDECIDED, CONTEXT]), np.array([OUT, UNDECIDED, CONTEXT])[abuse]
    beside = np.array([OUT_OF_CONTEXT, UNDECIDED, CONTEXT])[abuse]
    companion = listed[linked]
    together = np.select([companion == CORE, companion == UNDECIDED], [CORE, UNDECIDED], beside)
    kinds = [role == name for name in ("listed", "near", "exploitation", "property")]
    bands = [listed, near[np.maximum(exploited, suspect)], near[exploited],
             np.where(linked < 0, alone, together)]  # fmt: skip
    return np.asarray(np.where(rows["status"] == 0, np.select(kinds, bands, OUT), OUT))


def _read_ages(events: Events) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return: victim under 25 (three-valued), a suspect known under 25, anyone known under 16."""
    people, size = events.people, len(events.offences)
    is_victim, hidden = people["is_victim"].to_numpy(), people["age_missing"].to_numpy()
    age = np.where(hidden, 999, people["age"].to_numpy())

    def any_of(mark: np.ndarray) -> np.ndarray:
        return np.bincount(people["offence"].to_numpy()[mark], minlength=size) > 0

    young, unknown = any_of(is_victim & (age < 25)), any_of(is_victim & hidden) | ~any_of(is_victim)
    victim = np.select([young, unknown], [_TRUE, _UNKNOWN], _FALSE)
    return victim, _TRUE * any_of(~is_victim & (age < 25)), any_of(age < 16)


def describe_truth(city: City, events: Events, settings: dict[str, Any]) -> dict[str, Any]:
    """Collect the planted answers, ready for ``truth.json``."""
    rows, band = events.offences, find_bands(events)
    role = events.codes["role"].to_numpy().astype(str)[rows["code"]]
    companion = np.where(rows["linked"] >= 0, band[rows["linked"]], OUT)
    maybe = (role == "listed") | ((role == "property") & (companion == UNDECIDED))
    names = city.boroughs["borough_name"].to_numpy()
    own = names[rows["borough"]]
    table = pd.crosstab(own, np.array(BAND_NAMES)[band]).reindex(columns=BAND_NAMES, fill_value=0)
    table = table.assign(core_possible=pd.Series((band == UNDECIDED) & maybe).groupby(own).sum())
    table = pd.concat([table.sum().to_frame("London").T, table])
    hot = city.lsoas[city.lsoas["is_hotspot"]]
    groups = {"group": "Black", "reference": "White"}
    return {
        "note": "Simulated data. These are the answers that were planted.",
        "settings": settings,
        "offences": len(rows),
        "recorded_offences": int((rows["status"] == 0).sum()),
        "yearly_change_pct": 100 * PLANTED["yearly_change"],
        "step_change": {
            "borough": str(names[events.step_borough]),
            "month": f"{events.months[events.step_month]:%Y-%m}",
            "ratio": PLANTED["step_ratio"],
        },
        "hotspots": {
            "ratio_to_other_areas": PLANTED["hotspot_ratio"],
            "lsoa_codes": hot.groupby(names[hot["borough"]])["lsoa_code"].agg(list).to_dict(),
        },
        "victim_rate_ratio": {**groups, "ratio": PLANTED["victim_ratio"], "note": "at every age"},
        "search_rate_ratio": {**groups, "ratio": PLANTED["search_ratio"]},
        "deprivation_log_rate_per_decile": PLANTED["deprivation_slope"],
        "shares": PLANTED["shares"],
        "bands_london_2023": table.astype(int).to_dict("index"),
    }
