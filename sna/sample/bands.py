"""The bands of the default definition worked out a second way, from the text of the definition.

For the plain records of the simulated extract; it shares nothing with `sna.classify`.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sna.sample.city import read_reference

BANDS = ("core", "context_only", "listed_out_of_context", "indeterminate", "out")
CORE, CONTEXT, OUT_OF_CONTEXT, UNDECIDED, OUT = range(5)
_FALSE, _UNKNOWN, _TRUE = 0, 1, 2
_RECORD = "Crime Reference,Offence Class,Domestic Abuse,Linked Reference,Record Status,Borough"
_PERSON = "Crime Reference,Role,Age"


def _read_text(path: Path, columns: str) -> pd.DataFrame:
    return pd.read_csv(path, usecols=columns.split(","), dtype="str", keep_default_na=False)


def read_bands(folder: Path) -> pd.DataFrame:
    """Return records by borough, band and whether core is possible, of a simulated folder."""
    keys, counted = ["Borough", "band", "core_possible"], []
    for path in (folder / "extract").glob("*.mapping.toml"):
        stem = path.name.removesuffix(".mapping.toml")
        extract = _read_text(path.with_name(f"{stem}.csv"), _RECORD)
        people = _read_text(path.with_name(f"{stem}_people.csv"), _PERSON)
        counted.append(find_bands(extract, people).value_counts(keys))
    return pd.concat(counted).groupby(keys).sum().rename("records").reset_index()


def count_bands(folder: Path) -> dict[Any, dict[Any, int]]:
    """Return the number of records in each band: of London, then of every borough named."""
    table = read_bands(folder).pivot_table("records", "Borough", "band", "sum", fill_value=0)
    table = table.reindex(columns=list(BANDS), fill_value=0)
    return {"London": table.sum().to_dict(), **table.drop("", errors="ignore").T.to_dict()}


def find_bands(extract: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """Add ``band`` and ``core_possible`` to the records of an extract."""
    codes = read_reference("offences").set_index("offence_code")
    role = extract["Offence Class"].map(codes["role"])
    victim, suspect, under_16 = _read_ages(extract["Crime Reference"], people)
    abuse = extract["Domestic Abuse"].map({"N": _FALSE, "": _UNKNOWN, "Y": _TRUE}).to_numpy()
    abuse = np.where(under_16, _FALSE, abuse)
    abuse = np.where(extract["Offence Class"] == "8U", _TRUE, abuse)
    sexual = _TRUE * extract["Offence Class"].map(codes["sexual"]).to_numpy()
    exploited = np.maximum.reduce([victim, abuse, sexual])
    listed = np.array([OUT_OF_CONTEXT, UNDECIDED, CORE])[np.maximum(exploited, suspect)]
    near, alone = np.array([OUT, UNDECIDED, CONTEXT]), np.array([OUT, UNDECIDED, CONTEXT])[abuse]
    beside = np.array([OUT_OF_CONTEXT, UNDECIDED, CONTEXT])[abuse]
    place = pd.Series(range(len(extract)), extract["Crime Reference"])
    linked = extract["Linked Reference"].map(place)
    companion = np.where(linked.isna(), OUT, listed[linked.fillna(0).astype(int)])
    together = np.select([companion == CORE, companion == UNDECIDED], [CORE, UNDECIDED], beside)
    kinds = [role == name for name in ("listed", "near", "exploitation", "property")]
    bands = [listed, near[np.maximum(exploited, suspect)], near[exploited]]
    bands.append(np.where(linked.isna(), alone, together))
    band = np.where(extract["Record Status"] == "Recorded", np.select(kinds, bands, OUT), OUT)
    maybe = (role == "listed") | ((role == "property") & (companion == UNDECIDED))
    return extract.assign(band=np.array(BANDS)[band], core_possible=(band == UNDECIDED) & maybe)


def _read_ages(references: pd.Series, people: pd.DataFrame) -> tuple[np.ndarray, ...]:
    """Return: victim under 25 (three-valued), a suspect known under 25, anyone known under 16."""
    is_victim, age = people["Role"] == "Victim", pd.to_numeric(people["Age"])
    row = pd.Index(references).get_indexer(people["Crime Reference"])

    def any_of(mark: pd.Series) -> np.ndarray:
        return np.bincount(row, mark, len(references)) > 0

    young = any_of(is_victim & (age < 25))
    unknown = any_of(is_victim & age.isna()) | ~any_of(is_victim)
    victim = np.select([young, unknown], [_TRUE, _UNKNOWN], _FALSE)
    return victim, _TRUE * any_of(~is_victim & (age < 25)), any_of(age < 16)
