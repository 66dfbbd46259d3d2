"""Where, how concentrated, how lasting, and how sure."""

import sna.schemas.hotspots  # noqa: F401  (registers the contracts)
from sna.hotspots.areas import AreaCounts, count_areas
from sna.hotspots.concentration import (
    add_rank,
    generalised_gini,
    gini,
    lorenz_curve,
    measure_concentration,
    share_holding,
)
from sna.hotspots.local import (
    add_smoothed_rate,
    find_hotspots,
    getis_ord_z,
    local_moran,
    permutation_p,
)
from sna.hotspots.persistence import classify_persistence, mann_kendall
from sna.hotspots.prediction import compare_definitions, prediction_accuracy
from sna.hotspots.summary import find_area_hotspots

__all__ = [
    "AreaCounts",
    "add_rank",
    "add_smoothed_rate",
    "classify_persistence",
    "compare_definitions",
    "count_areas",
    "find_area_hotspots",
    "find_hotspots",
    "generalised_gini",
    "getis_ord_z",
    "gini",
    "local_moran",
    "lorenz_curve",
    "mann_kendall",
    "measure_concentration",
    "permutation_p",
    "prediction_accuracy",
    "share_holding",
]
