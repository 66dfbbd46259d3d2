"""The bands of the default definition worked out a second way, from the text of the definition.

For the plain records of the simulated extract; it shares nothing with `sna.classify`.
"""

from pathlib import Path

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
    """Return the band of each record in a simulated folder, and whether core is possible."""
    extract = _read_text(folder / "extract" / "simulated_record_extract.csv", _RECORD)
    people = _read_text(folder / "extract" / "simulated_record_extract_people.csv", _PERSON)
    return find_bands(extract, people)


def count_bands(folder: Path) -> dict[str, dict[str, int]]:
    """Return the number of records in each band: of London, then of every borough named."""
    records = read_bands(folder)
    places = {"London": records, **dict(iter(records[records["Borough"] != ""].groupby("Borough")))}
    return {
        str(name): {band: int((rows["band"] == band).sum()) for band in BANDS}
        for name, rows in places.items()
    }


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

    def any_of(mark: pd.Series) -> np.ndarray:
        return references.isin(people.loc[mark, "Crime Reference"]).to_numpy()

    young = any_of(is_victim & (age < 25))
    unknown = any_of(is_victim & age.isna()) | ~any_of(is_victim)
    victim = np.select([young, unknown], [_TRUE, _UNKNOWN], _FALSE)
    return victim, _TRUE * any_of(~is_victim & (age < 25)), any_of(age < 16)
