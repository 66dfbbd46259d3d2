"""Counts of bands: the waterfall, honest bounds, overlap of contexts, what is missing."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from sna.classify.bands import prepare, read_under
from sna.classify.facts import BLANK, Array, look_up
from sna.classify.rules import CORE
from sna.classify.words import UNKNOWN_NAMES, unknown_facts
from sna.definitions import Profile, read_profile
from sna.errors import TableError
from sna.schemas.store_tables import BANDS, RELEASE_CLASSES

CONTEXTS = ("u25", "da", "sv")
STEPS = {
    "Recorded offences": "",
    "Notifiable and counted": "non-notifiable, cancelled, transferred, terrorism",
    "Violence or exploitation": "no offence of the definition, or possession alone",
    "Facts known": "indeterminate: an unknown fact could change the band",
    "In a context of the text": "outside every context",
    "Listed: core": "in a context, not a listed offence",
}
BAND_NAMES = {
    "core": "Core", "context_only": "In a context, not listed", "out": "Outside the definition",
    "listed_out_of_context": "Listed, outside every context",
    "indeterminate": "Not decided by the facts at hand",
}  # fmt: skip
_NOT_VIOLENCE = ("R26", "R32", "R20")
_NO_FACTS = (*_NOT_VIOLENCE, "R27", "R28")
MISSING_COLUMNS = {"age": ("victim_age",), "domestic abuse": ("domestic_abuse",),
                   "weapon": ("weapon",), "place": ("lsoa_code", "ward_code"),
                   "link to a companion": ("linked_id",),
                   "sex": ("victim_sex",), "ethnicity": ("victim_ethnicity",)}  # fmt: skip
DRIFT = 0.10  # change of a missing share between two years that earns a warning


def by_category(column: pd.Series, test: Callable[[str], bool]) -> Array:
    """Apply a test to each distinct value of a column, and give every row its answer."""
    return look_up(column, lambda v: bool(test(str(v))), False)


def _offences(classified: pd.DataFrame) -> Array:
    if "band" not in classified:
        raise TableError("The table has no bands.", do="Call sna.classify_offences first.")
    counts = classified["offences"] if "offences" in classified else pd.Series(1, classified.index)
    return counts.to_numpy(dtype="int64")


def _is(classified: pd.DataFrame, band: str) -> Array:
    return (classified["band"] == band).to_numpy()


def release_class(classified: pd.DataFrame) -> str:
    """Return the strictest release class of a table; person level where none is said."""
    if "release_class" not in classified:
        return RELEASE_CLASSES[-1]
    found = set(classified["release_class"].astype("str").unique())
    return next((c for c in reversed(RELEASE_CLASSES) if c in found), RELEASE_CLASSES[0])


def origin(classified: pd.DataFrame) -> dict[str, str]:
    """Return the release class and source of rows that come from one source."""
    found = {"release_class": release_class(classified)}
    names = set(classified["source"].astype("str")) if "source" in classified else set()
    return found | ({"source": names.pop()} if len(names) == 1 else {})


def count_waterfall(classified: pd.DataFrame) -> pd.DataFrame:
    """Count offences step by step from all rows to core; every step adds up exactly.

    The last step is not the number of serious offences: the indeterminate ones taken out on the
    way may belong to it (`definition_bounds`). One row a step: ``offences`` that remain,
    ``left_out`` at this step and ``why``.

    >>> from sna.classify import classify_offences
    >>> rows = pd.DataFrame({"offence_code": ["8N", "46"], "victim_age": ["17", "17"]})
    >>> count_waterfall(classify_offences(rows))["offences"].tolist()
    [2, 2, 1, 1, 1, 1]
    """
    counts = _offences(classified)
    rules = classified["rule_ids"]
    out = _is(classified, "out")
    status = out & by_category(rules, lambda v: v in ("R27", "R28"))
    other = out & by_category(rules, lambda v: v.startswith(_NOT_VIOLENCE)) & ~status
    lost = [
        np.zeros(len(counts), dtype=bool),
        status,
        other,
        _is(classified, "indeterminate"),
        (out & ~status & ~other) | _is(classified, "listed_out_of_context"),
        _is(classified, "context_only"),
    ]
    left_out = [int(counts[rows].sum()) for rows in lost]
    remain = int(counts.sum()) - np.cumsum(left_out)
    steps = pd.DataFrame(STEPS.items(), columns=["step", "why"])
    return steps.assign(
        offences=remain, left_out=left_out, all_offences=int(counts.sum()),
        **origin(classified),
    )  # fmt: skip


def count_bands(classified: pd.DataFrame) -> pd.DataFrame:
    """Count offences by band, with the victim-only reading beside the profile's own."""
    counts = _offences(classified)
    columns = {"offences": "band", "victim_only": "victim_only_band"}
    rows = [
        {"band": band} | {n: int(counts[(classified[c] == band)].sum()) for n, c in columns.items()}
        for band in BANDS
    ]
    table = pd.DataFrame(rows).assign(**origin(classified))
    return table.assign(name=table["band"].map(BAND_NAMES))


def count_contexts(classified: pd.DataFrame) -> pd.DataFrame:
    """Count core and context-only offences by the exact set of contexts; sets add to the total."""
    inside = _is(classified, "core") | _is(classified, "context_only")
    frame = pd.DataFrame(
        {
            "contexts": classified["contexts"].astype("str").replace("", "attached only"),
            "core": np.where(_is(classified, "core"), _offences(classified), 0),
            "offences": _offences(classified),
        }
    )[inside]
    sums = frame.groupby("contexts", observed=True)[["offences", "core"]].sum().reset_index()
    marks = {name: _holds(sums["contexts"], name) for name in CONTEXTS}
    sums = sums.assign(**marks, **origin(classified))
    sums = sums.assign(sensitivity="sensitive") if len(sums) else sums
    return sums.sort_values(["offences", "contexts"], ascending=[False, True], ignore_index=True)


def _holds(column: pd.Series, name: str) -> Array:
    return by_category(column, lambda v: name in v.split("|"))


def _wide(
    classified: pd.DataFrame, profile: Profile, people: pd.DataFrame | None
) -> tuple[Array, dict[str, Array]]:
    prepared = prepare(classified, profile=profile, people=people)
    reading = read_under(profile, prepared, wide=True)
    own = read_under(profile, prepared)
    facts = unknown_facts(profile, own.coded.fields, own.answer)
    rows = own.coded.rows
    possible = (reading.answer.mask & CORE) > 0
    return possible[reading.coded.rows], {name: truth[rows] for name, truth in facts.items()}


def definition_bounds(
    classified: pd.DataFrame,
    *,
    by: Sequence[str] = (),
    profile: str | Profile | None = None,
    people: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Give the honest interval of the number of core offences.

    Not a confidence interval: it says what unknown facts leave possible, not what chance does.
    Contexts overlap, so the rows of ``by=("context",)`` never add up to a total.

    Parameters
    ----------
    classified
        Result of `classify_offences`.
    by
        Columns to count by; ``context`` stands for u25, da and sv.
    profile, people
        Needed again for a profile that does not ship with the package, and for people tables.

    Returns
    -------
    pandas.DataFrame
        One row a group: ``offences``; ``lower`` (core); ``upper`` (with the indeterminate rows for
        which core is possible); ``upper_wide`` (unknown suspects taken as possibly under 25);
        ``missing_field``, which would help decide ``rows_decided``; and a ``sentence``.

    Examples
    --------
    >>> from sna.classify import classify_offences
    >>> rows = pd.DataFrame({"offence_code": ["8N", "8N", "19C"], "victim_age": ["40", "", ""],
    ...                      "domestic_abuse": "no"})
    >>> bounds = definition_bounds(classify_offences(rows))
    >>> bounds.loc[0, ["lower", "upper", "upper_wide"]].tolist()
    [1, 2, 3]
    """
    counts = _offences(classified)
    if profile is None:
        ids = classified["definition_profile"].unique()
        profile = str(ids[0]) if len(ids) else "london_2023"
    wide, facts = _wide(classified, read_profile(profile), people)
    core = _is(classified, "core")
    possible = core | _holds(classified["possible_bands"], "core")
    columns = {"offences": counts, "lower": counts * core, "upper": counts * possible,
               "upper_wide": counts * (wide | possible)}  # fmt: skip
    columns |= {f"needs {name}": counts * (truth & possible) for name, truth in facts.items()}
    frame = pd.DataFrame(columns)
    keys = [name for name in by if name != "context"]
    frame = frame.assign(**{name: classified[name].to_numpy() for name in keys})
    if "context" in by:
        frame = _by_context(frame, classified)
    return _sum_bounds(frame, list(by), list(facts)).assign(release_class=release_class(classified))


def _by_context(frame: pd.DataFrame, classified: pd.DataFrame) -> pd.DataFrame:
    parts = []
    for name in CONTEXTS:
        known = _holds(classified["contexts"], name)
        maybe = known | _holds(classified["contexts_unknown"], name)
        part = frame.assign(context=name, lower=frame["lower"] * known)
        parts.append(part.assign(**{c: part[c] * maybe for c in ("upper", "upper_wide")}))
    return pd.concat(parts, ignore_index=True)


def _sum_bounds(frame: pd.DataFrame, by: list[str], facts: list[str]) -> pd.DataFrame:
    numbers = [name for name in frame if name not in by]
    if by:
        sums = frame.groupby(by, observed=True, dropna=False)[numbers].sum().reset_index()
    else:
        sums = frame[numbers].sum().to_frame().T.astype("int64")
    needs = sums[[f"needs {name}" for name in facts]].to_numpy()
    most = needs.argmax(axis=1) if len(needs) else np.zeros(0, dtype=int)
    decided = needs.max(axis=1) if len(needs) else most
    field = np.where(decided > 0, np.array(facts, dtype=object)[most], "")
    sums = sums.drop(columns=[f"needs {name}" for name in facts])
    sentences = [
        _sentence(int(a), int(b), str(f), int(d))
        for a, b, f, d in zip(sums["lower"], sums["upper"], field, decided, strict=True)
    ]
    return sums.assign(missing_field=field, rows_decided=decided, sentence=sentences)


def _sentence(lower: int, upper: int, field: str, decided: int) -> str:
    if lower == upper:
        return f"Core is {lower:,}: no unknown fact can change it."
    narrow = f" Knowing {UNKNOWN_NAMES[field]} would help decide {decided:,}." if field else ""
    return f"Core is between {lower:,} and {upper:,}.{narrow}"


def add_counting_basis(
    offences: pd.DataFrame, *, profile: str | Profile, people: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Set month, borough and unit as the profile counts them (switches 29 to 31).

    ``unit = "victim"`` counts the victims of an offence; ``date_basis = "committed"`` places it in
    the month it was committed; ``area_basis = "managing_borough"`` in the borough that manages it.
    """
    switches = read_profile(profile).switches
    result = offences.copy()
    if switches["unit"] == "victim":
        if people is None:
            raise TableError("Counting victims needs the people table.", where="unit = victim")
        victims = people.loc[people["person_role"].astype("str") == "victim"]
        each = victims.groupby(victims["offence_id"].astype("str"))["people"].sum()
        count = offences["offence_id"].astype("str").map(each).fillna(0).astype("int64")
        result = result.assign(offences=count)
    if switches["date_basis"] == "committed":
        month = pd.to_datetime(offences["committed_from"]).dt.to_period("M").dt.to_timestamp()
        result = result.assign(month=month)
    if switches["area_basis"] == "managing_borough":
        if "managing_borough_code" not in offences:
            raise TableError(
                "The table has no managing borough.", where="area_basis = managing_borough",
                do="Map managing_borough_code, or count by the place of the offence.",
            )  # fmt: skip
        result = result.assign(borough_code=offences["managing_borough_code"])
    return result


def _victims(offences: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    victims = people[people["person_role"].astype("str") == "victim"]
    names = {"victim_age": ("age", "age_band"), "victim_sex": ("sex",),
             "victim_ethnicity": ("ethnicity_self", "ethnicity_observed")}  # fmt: skip
    found = pd.DataFrame({"offence_id": victims["offence_id"].astype("str")})
    for name, columns in names.items():
        value = pd.Series(np.nan, index=victims.index, dtype=object)
        for column in (c for c in columns if c in victims):
            value = value.where(~_blank(value), victims[column].astype("str").astype(object))
        found = found.assign(**{name: value.mask(_blank(value))})
    first = found.groupby("offence_id", sort=False).first().reset_index()
    kept = offences.drop(columns=[n for n in names if n in offences])
    kept = kept.assign(offence_id=kept["offence_id"].astype("str"))
    return kept.merge(first, how="left", on="offence_id", validate="many_to_one")


def _blank(values: pd.Series) -> pd.Series:
    known = by_category(values, lambda v: v.strip().casefold() not in BLANK - {"none"})
    return pd.Series(~known, values.index)


def count_missing(offences: pd.DataFrame, *, people: pd.DataFrame | None = None) -> pd.DataFrame:
    """Count records by month and source in which a fact of the definition is missing.

    Published counts are left out: they never hold these facts. One row a source, month and
    ``field``; ``drifts`` is True where the share missing moved by more than ten points between the
    first and second half of the months.
    """
    records = offences
    if "published_category" in offences:
        records = records[records["published_category"].isna()]
    if "rule_ids" in records:  # only offences to which the facts matter
        records = records[~by_category(records["rule_ids"], lambda v: v.startswith(_NO_FACTS))]
    if people is not None and len(people) and "offence_id" in records:
        records = _victims(records, people)
    rows = []
    for name, columns in MISSING_COLUMNS.items():
        here = [_blank(records[c]) for c in columns if c in records]
        missing = np.logical_and.reduce(here) if here else np.ones(len(records), dtype=bool)
        if name == "link to a companion":  # an empty link is no link; no link at all is unknown
            missing = np.full(len(records), bool(missing.all()))
        part = records[["source", "month"]].assign(
            source=records["source"].astype("str"), missing=missing, offences=1, field=name
        )
        rows.append(part.groupby(["source", "month", "field"])[["missing", "offences"]].sum())
    table = pd.concat(rows).reset_index().astype({"missing": "int64"})
    return table.assign(drifts=_drifts(table), release_class=release_class(offences))


def _drifts(table: pd.DataFrame) -> pd.Series:
    middle = table["month"].min() + (table["month"].max() - table["month"].min()) / 2
    keys = ["source", "field"]
    late = table["month"] > middle
    sums = [table[half].groupby(keys)[["missing", "offences"]].sum() for half in (~late, late)]
    shares = [s["missing"] / s["offences"] for s in sums]
    moved = ((shares[1] - shares[0]).abs() > DRIFT).rename("drifts")
    joined = table[keys].merge(moved.reset_index(), how="left", on=keys, validate="many_to_one")
    return joined["drifts"].eq(True).set_axis(table.index)
