"""What sentences on places need pandas for."""

import pandas as pd


def rank_width(table: pd.DataFrame) -> float:
    """Return how many places the middle interval of a rank spans."""
    return float((table["rank_upper"] - table["rank_lower"]).median())
