"""Rates, proportions, standardised rates, ratios and their limits, for any field."""
