"""Small numbers, rounding, secondary suppression, audit, differencing, on result tables."""
