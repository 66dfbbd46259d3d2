"""What health services saw: call-outs and attendances of supplied files, published admissions."""

from typing import Any

import pandas as pd

from sna.definitions import source_titles
from sna.trend.panel import no_rows

_STRICTEST = ("person_level", "restricted", "open")  # of files of one source counts for their sum


def count_attendances(data: Any) -> pd.DataFrame:
    """Count call-outs of ambulances and attendances at emergency departments by month.

    They are neither offences nor people, are never added to offences, and hold whatever kinds the
    sender chose. Months in which a file names nobody of the borough are 0; months that no file
    covers, between two deliveries, have no row. Files of one source are one row a month, released
    as the strictest of them.

    Returns
    -------
    pandas.DataFrame
        One row a source and month that its files cover: ``title``, ``source``, ``month``,
        ``attendances``, ``release_class``.
    """
    rows, found = data.attendances, []
    spans = {r["file_id"]: (r["first_month"], r["last_month"]) for r in data.inputs}
    for source, part in rows.groupby("source", observed=True):
        held = [pd.date_range(*spans[file], freq="MS") for file in part["file_id"].unique()]
        covered = held[0].append(held[1:]).unique().sort_values()
        months = covered[covered <= pd.Timestamp(data.end_month)].rename("month")
        counts = part.groupby("month")["attendances"].sum().reindex(months, fill_value=0)
        kind = next(k for k in _STRICTEST if part["release_class"].eq(k).any())
        found.append(counts.reset_index().assign(source=str(source), release_class=kind))
    made = pd.concat(found, ignore_index=True) if found else no_rows("trend_attendances")
    titles = source_titles().set_index("source")["title"]
    return made.assign(title=made["source"].map(titles))


def list_admissions(data: Any) -> pd.DataFrame:
    """Return the published rates of admissions of the borough's residents, as Fingertips has them.

    They follow where people live, not where they were hurt, and neighbouring periods share years,
    so that no change between two of them is tested.

    Returns
    -------
    pandas.DataFrame
        One row an indicator, sex and period: ``indicator_name``, ``sex``, ``period``, ``value``
        per 100,000 with ``lower_ci`` and ``upper_ci``, ``release_class``, ``source``.
    """
    rows = data.health[data.health["area_code"].astype("str").eq(data.borough_code)]
    keys = ["indicator_name", "sex", "period"]
    rows = rows[[*keys, "value", "lower_ci", "upper_ci"]].sort_values(keys, ignore_index=True)
    rows = rows.assign(sex=rows["sex"].astype("object").fillna("all"))
    return rows.assign(release_class="open", source="fingertips")
