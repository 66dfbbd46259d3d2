"""Strategic needs assessments of serious violence for London boroughs.

The names below load their module when first used, so that ``import sna`` costs nothing.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

_ROOMS = (
    "charts",
    "classify",
    "counts",
    "definitions",
    "disclosure",
    "disproportionality",
    "errors",
    "figures",
    "geography",
    "hotspots",
    "maps",
    "narrative",
    "rates",
    "schemas",
    "store",
    "trend",
)

# public name -> room it lives in
_NAMES: dict[str, str] = {
    "add_rate": "rates",
    "choose_rows": "classify",
    "classify_offences": "classify",
    "compare_periods": "trend",
    "compare_profiles": "classify",
    "count_by_month": "counts",
    "count_series": "trend",
    "count_waterfall": "classify",
    "definition_bounds": "classify",
    "explain_offence": "classify",
    "find_borough": "definitions",
    "load_borough": "store",
    "load_people": "store",
    "protect": "disclosure",
    "read_profile": "definitions",
}

__all__ = ["__version__", *_ROOMS, *_NAMES]


def __getattr__(name: str) -> Any:
    """Load a room or a public name on first use."""
    if name in _ROOMS:
        return importlib.import_module(f"sna.{name}")
    if name in _NAMES:
        return getattr(importlib.import_module(f"sna.{_NAMES[name]}"), name)
    raise AttributeError(f"module 'sna' has no attribute {name!r}")


def __dir__() -> list[str]:
    """List rooms and public names for Tab completion."""
    return sorted(__all__)
