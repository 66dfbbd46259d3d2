"""Public-health statistics for counts: rates, proportions, standardised rates, ratios, funnels.

Numbers, arrays or tables in; arrays or new tables out. Nothing here knows what is counted.
"""

from sna.rates.compare import (
    Interval,
    conditional_test,
    e_test,
    rate_difference,
    rate_ratio,
    risk_ratio,
)
from sna.rates.funnel import (
    Dispersion,
    funnel_curve,
    funnel_dispersion,
    funnel_limits,
    funnel_proportion_limits,
    quantiles,
)
from sna.rates.inequality import slope_index_of_inequality
from sna.rates.limits import (
    add_proportion,
    add_rate,
    byar_limits,
    exact_limits,
    rate_limits,
    wilson_limits,
)
from sna.rates.standardised import (
    directly_standardised_rate,
    indirectly_standardised_ratio,
    ratio_to_expected,
)

__all__ = [
    "Dispersion",
    "Interval",
    "add_proportion",
    "add_rate",
    "byar_limits",
    "conditional_test",
    "directly_standardised_rate",
    "e_test",
    "exact_limits",
    "funnel_curve",
    "funnel_dispersion",
    "funnel_limits",
    "funnel_proportion_limits",
    "indirectly_standardised_ratio",
    "quantiles",
    "rate_difference",
    "rate_limits",
    "rate_ratio",
    "ratio_to_expected",
    "risk_ratio",
    "slope_index_of_inequality",
    "wilson_limits",
]
