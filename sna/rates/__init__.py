"""Public-health statistics for counts: rates, proportions, standardised rates, ratios, funnels.

Numbers, arrays or tables in; arrays or new tables out. Nothing here knows what is counted.
"""
# ruff: noqa: F401, F403

from sna.rates.compare import *
from sna.rates.funnel import *
from sna.rates.inequality import slope_index_of_inequality
from sna.rates.limits import *
from sna.rates.standardised import *
