"""What became of offences: how many have a charge, and after how long."""

from typing import Any

import pandas as pd

CHARGED = "Suspect charged"  # opens every published wording of a charge
_SOURCES = ("police_uk_street", "police_uk_outcomes")


def count_charged(data: Any) -> pd.DataFrame:
    """Count police.uk offences whose reference has a charge among the outcomes, by month.

    Offences of recent months have had less time: ``follow_up_months`` says how many. A charge is
    not a conviction. An offence without a reference cannot be followed, nor can those of a file of
    which no reference has any outcome: the outcomes of its force were not supplied.

    Returns
    -------
    pandas.DataFrame
        One row a category (``label``) and month of the offence: ``offences``, ``charged``,
        ``lag_months`` (median of the charges so far, from the month of the offence),
        ``follow_up_months``, ``release_class``, ``source``. Categories with most offences first.
    """
    offences, outcomes = (
        frame[frame["source"].eq(source) & frame["offence_id"].notna()]
        for frame, source in zip((data.offences, data.outcomes), _SOURCES, strict=True)
    )
    first, last = outcomes["month"].min(), outcomes["month"].max()
    offences = offences[offences["month"].between(first, last)].drop_duplicates("offence_id")
    # a force whose outcomes were not supplied says nothing, and nothing is not nought
    known = offences["offence_id"].isin(outcomes["offence_id"])
    offences = offences[known.groupby(offences["file_id"]).transform("any")]
    charges = outcomes[outcomes["outcome"].astype("str").str.startswith(CHARGED)]
    earliest = charges.groupby("offence_id", as_index=False).agg(charge=("month", "min"))
    offences = offences.merge(earliest, how="left", on="offence_id", validate="one_to_one")
    charged = offences["charge"]
    months = offences["month"].dt.year * 12 + offences["month"].dt.month
    rows = offences.assign(
        label=offences["published_category"].astype("str").str.split("|").str[-1].str.strip(),
        charged=charged.notna().astype("int64"),
        lag_months=charged.dt.year * 12 + charged.dt.month - months,
        follow_up_months=(last.year * 12 + last.month - months) if len(offences) else months,
        release_class=offences["release_class"].astype("str"),
    )
    sums = {"offences": ("offences", "sum"), "charged": ("charged", "sum")}
    keys = ["label", "month", "follow_up_months", "release_class"]
    made = rows.groupby(keys, as_index=False).agg(**sums, lag_months=("lag_months", "median"))
    made = made.assign(source=_SOURCES[1], size=made.groupby("label")["offences"].transform("sum"))
    made = made.sort_values(["size", "label", "month"], ascending=[False, True, True])
    return made.drop(columns="size").reset_index(drop=True)
