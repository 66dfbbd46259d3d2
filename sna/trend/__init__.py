"""Is it really going up? Series, change, control charts, season, comparison, projection."""
