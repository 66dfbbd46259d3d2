"""The one chart that only tables of people have: a ratio by year or assumption, group by group."""

from dataclasses import replace
from typing import Any

from sna.charts import base, forms
from sna.disclosure.protected import ProtectedTable

_PAIRS = {
    "rate_ratio": "modelled_ratio",
    "ratio_lower_ci": "modelled_lower_ci",
    "ratio_upper_ci": "modelled_upper_ci",
}


def panels(protected: ProtectedTable, **form: Any) -> Any:
    """Draw ratios recomputed from counts and modelled ones on one axis, a panel a group."""
    table, flags = base.table_of(protected), protected.flags
    table = table[table["ethnic_group"] != table["reference_group"]]
    for counted, modelled in _PAIRS.items():
        known = table[counted].notna()
        table = table.assign(**{counted: table[counted].where(known, table[modelled])})
        flags = flags.assign(**{counted: flags[counted].where(known, flags[modelled])})
    return forms.dots(replace(protected, table=table, flags=flags), forms.Form(**form))
