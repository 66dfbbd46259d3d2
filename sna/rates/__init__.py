"""Public-health statistics for counts: rates, proportions, standardised rates, ratios, funnels.

Numbers, arrays or tables in; arrays or new tables out. Nothing here knows what is counted.
"""
# ruff: noqa: F401

from sna.rates.compare import Interval, conditional_test, e_test, rate_difference, rate_ratio
from sna.rates.compare import risk_ratio as risk_ratio
from sna.rates.funnel import Dispersion, funnel_curve, funnel_dispersion, funnel_limits
from sna.rates.funnel import funnel_proportion_limits as funnel_proportion_limits
from sna.rates.funnel import quantiles as quantiles
from sna.rates.inequality import slope_index_of_inequality
from sna.rates.limits import add_proportion, add_rate, byar_limits, exact_limits, rate_limits
from sna.rates.limits import wilson_limits as wilson_limits
from sna.rates.standardised import directly_standardised_rate, indirectly_standardised_ratio
from sna.rates.standardised import ratio_to_expected as ratio_to_expected
