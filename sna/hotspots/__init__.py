"""Where, how concentrated, how lasting, and how sure."""

import sna.schemas.hotspots  # noqa: F401  (registers the contracts)
from sna.hotspots.areas import AreaCounts, count_areas
from sna.hotspots.borders import (
    add_harm,
    aoristic_hours,
    count_flows,
    count_near_border,
    find_straddling,
    harm_coverage,
)
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
from sna.hotspots.points import (
    Surface,
    check_points,
    count_grid,
    density,
    dual_density,
    near_repeats,
)
from sna.hotspots.prediction import compare_definitions, prediction_accuracy
from sna.hotspots.summary import find_area_hotspots

__all__ = [
    "AreaCounts",
    "Surface",
    "add_harm",
    "add_rank",
    "add_smoothed_rate",
    "aoristic_hours",
    "check_points",
    "classify_persistence",
    "compare_definitions",
    "count_areas",
    "count_flows",
    "count_grid",
    "count_near_border",
    "density",
    "dual_density",
    "find_area_hotspots",
    "find_hotspots",
    "find_straddling",
    "generalised_gini",
    "getis_ord_z",
    "gini",
    "harm_coverage",
    "local_moran",
    "lorenz_curve",
    "mann_kendall",
    "measure_concentration",
    "near_repeats",
    "permutation_p",
    "prediction_accuracy",
    "share_holding",
]
