"""Where, how concentrated, how lasting, and how sure."""

import importlib
from typing import Any

_ROOMS = {
    "areas": "AreaCounts count_areas count_boroughs select_series",
    "borders": "count_flows count_near_border find_straddling",
    "concentration": "add_rank gini lorenz_curve measure_concentration share_holding",
    "local": "add_smoothed_rate find_hotspots getis_ord_z permutation_p randomisation_p",
    "persistence": "classify_persistence mann_kendall",
    "place": "find_area profile_place",
    "points": "Surface check_points count_grid density dual_density find_points measure_density "
    "measure_repeats near_repeats",
    "prediction": "add_harm compare_definitions find_area_hotspots measure_harm "
    "prediction_accuracy weigh_offences",
}
_NAMES = {name: room for room, names in _ROOMS.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module 'sna.hotspots' has no attribute {name!r}")
    return getattr(importlib.import_module(f"sna.hotspots.{_NAMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_NAMES})
