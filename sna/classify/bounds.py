"""Honest bounds of core: by table, by context, and the tightest of several sources."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from sna.classify.bands import prepare, read_under
from sna.classify.codes import normalise_text
from sna.classify.counts import holds, is_band, origin, profile_of
from sna.classify.facts import Array
from sna.classify.inputs import check_banded, check_by, offences_of
from sna.classify.rules import CORE
from sna.classify.words import CONTEXTS, UNKNOWN, find_unknown
from sna.definitions import Profile, read_reference, rows_of
from sna.errors import CoverageError, UsageError
from sna.schemas.store_tables import check_one_source

FLAGGED = "domestic abuse violence with injury"
_NARROWING = ["rows_decided", "narrowed_by"]


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
    by = (by,) if isinstance(by, str) else by
    check_banded(classified, *(name for name in by if name != "context"))
    check_by(by, "offences", "lower", "upper", "upper_wide")
    check_one_source(classified, by)
    counts, banded = offences_of(classified), is_band(classified, "core")
    wide, units, facts = _wide(classified, profile_of(classified, profile), people)
    core, possible = banded & units, units & (banded | holds(classified["possible_bands"], "core"))
    columns = {
        "offences": counts,
        "lower": counts * core,
        "upper": counts * possible,
        "upper_wide": counts * (wide & units | possible),
    }
    needs = {f"needs {name}": counts * (truth & possible) for name, truth in facts.items()}
    keys = {name: classified[name] for name in by if name != "context"}
    frame = pd.DataFrame({**columns, **needs, **keys})
    numbers = [*columns, *needs]
    frame = _by_context(frame, classified, numbers[2:]) if "context" in by else frame
    groups = frame.groupby(list(by) or np.zeros(len(frame)), observed=True, dropna=False)[numbers]
    sums = groups.sum().reset_index() if by else frame[numbers].sum().to_frame().T.astype("int64")
    decided = sums[list(needs)].max(axis=1)
    field = sums[list(needs)].idxmax(axis=1).where(decided > 0, "") if len(sums) else decided
    field = field.astype("str").str.removeprefix("needs ")
    sums = sums.drop(columns=list(needs)).assign(missing_field=field, rows_decided=decided)
    told = [_sentence(row) for row in sums.to_dict("records")]
    return sums.assign(sentence=told, release_class=origin(classified)["release_class"])


def _wide(
    classified: pd.DataFrame, profile: Profile, people: pd.DataFrame | None
) -> tuple[Array, Array, dict[str, Array]]:
    """Return what may be core if any suspect may be young, the units, what each fact decides."""
    prepared = prepare(classified, profile=profile, people=people)
    widest, own = (read_under(profile, prepared, wide=wide) for wide in (True, False))
    facts = find_unknown(own)
    possible = (widest.answer["mask"] & CORE).to_numpy() > 0
    decided = {name: own.of_rows(truth) for name, truth in facts.items()}
    return widest.of_rows(possible), own.units(), decided


def _by_context(frame: pd.DataFrame, classified: pd.DataFrame, possible: list[str]) -> pd.DataFrame:
    parts = []
    for name in CONTEXTS.index:
        known = holds(classified["contexts"], name)
        maybe = known | holds(classified["contexts_unknown"], name)
        part = frame.assign(context=name, lower=frame["lower"] * known)
        parts.append(part.assign(**{c: part[c] * maybe for c in possible}))
    return pd.concat(parts, ignore_index=True)


def _sentence(row: dict[Any, Any]) -> str:
    if row["lower"] == row["upper"]:
        return f"Core is {row['lower']:,}: no unknown fact can change it."
    field, first = row["missing_field"], f"Core is between {row['lower']:,} and {row['upper']:,}."
    if not field:
        return first
    return (
        f"{first} Knowing {UNKNOWN.loc[field, 'words']} would help decide {row['rows_decided']:,}."
    )


def _window(offences: pd.DataFrame, end: Any) -> pd.DataFrame:
    months = offences["month"]
    return offences[months.between(end - pd.DateOffset(months=11), end)].reset_index(drop=True)


def choose_rows(data: Any) -> pd.DataFrame:
    """Return the last twelve months of the best source that holds every offence of the borough.

    Sources overlap, so only one of them is ever counted. `data` is one borough's
    (`sna.load_borough`); the records of the police come first, then published counts.
    """
    if not all(hasattr(data, name) for name in ("offences", "end_month")):
        do, found = "Give what sna.load_borough returns.", type(data).__name__
        raise UsageError("This is no borough.", where="choose_rows", found=found, do=do)
    source = data.offences["source"].astype("str")
    for name in read_reference("whole_sources")["source"]:
        rows = data.offences[source == name]
        if len(rows):
            return _window(rows, rows.loc[rows["month"].le(data.end_month), "month"].max())
    raise CoverageError(
        "No source of the store holds every offence of this borough.",
        where="offences",
        found=sorted(source.unique()),
        do="Add an extract or MPS counts by borough.",
    )


def _period(rows: pd.DataFrame) -> str:
    return f"{rows['month'].min():%B %Y} to {rows['month'].max():%B %Y}"


def combine_bounds(data: Any) -> pd.DataFrame:
    """Give the bounds of each source for the same twelve months, and the tightest honest one.

    The upper bound is the smallest of the sources that hold every offence. The lower is the largest
    of theirs; where that is open data (sexual offences only) the flagged domestic violence with
    injury is added, which is disjoint from sexual offences. Victims and other flags never are.
    """
    rows = _window(data.offences, choose_rows(data)["month"].max())
    steps: list[dict[Any, Any]] = []
    for row in rows_of(read_reference("whole_sources")):
        part = rows[rows["source"].astype("str") == row["source"]]
        if part.empty:
            continue
        people = data.people if row["source"] == "extract" else None
        bound = definition_bounds(part, profile=data.profile, people=people)
        covered = part["month"].nunique() * int(part["period_months"].max())
        whole = "yes" if covered >= 12 else f"no: {covered} of 12 months"
        told = bound.assign(narrowed_by=bound["missing_field"].map(UNKNOWN["words"]).fillna(""))
        facts = told[["offences", "lower", "upper", *_NARROWING]].iloc[0].to_dict()
        steps.append({"source": row["source"], "step": row["name"], **facts, "used": whole})
    used = [step for step in steps if step["used"] == "yes"]
    if used:
        best, lower = min(used, key=lambda s: s["upper"]), max(s["lower"] for s in used)
        if "extract" not in {step["source"] for step in used}:
            flagged = _flagged(rows)
            steps += flagged
            lower += sum(step["lower"] for step in flagged if step["used"].startswith("yes"))
        upper = max(lower, best["upper"])
        steps.append({**best, "step": "Tightest of all", "lower": lower, "upper": upper})
    kept = {name: value for name, value in origin(rows).items() if name != "source"}
    return pd.DataFrame(steps).assign(period=_period(rows), **kept)


def _labels(rows: pd.DataFrame) -> pd.DataFrame:
    """Return borough rows of published counts by their label."""
    rows = rows[rows["published_category"].notna() & (rows["area_level"] == "borough")]
    label = rows["published_category"].astype("str").str.rsplit("|", n=1).str[-1]
    return rows.assign(label=label.map(normalise_text))


def _flagged(rows: pd.DataFrame) -> list[dict[str, Any]]:
    part = _labels(rows).query("label == @FLAGGED")
    whole, count = part["month"].nunique() >= 12, int(part["offences"].sum())
    step = {
        "source": "mps_dashboard_other",
        "step": "Flagged domestic violence with injury",
        "offences": count,
        "lower": count,
        "upper": count,
        "rows_decided": 0,
        "narrowed_by": "",
        "used": "yes, added to the lowest" if whole else "no: not every month",
    }
    return [step] if len(part) else []


def count_proxies(data: Any) -> pd.DataFrame:
    """Count what open data can say by label over a year: proxies, each with what it is not."""
    found = []
    rows = _labels(data.offences) if "published_category" in data.offences else data.offences[:0]
    for row in rows_of(read_reference("proxies")) if len(rows) else ():
        part = rows[rows["label"] == normalise_text(row["label"])]
        if len(part):
            year = _window(part[part["source"] == part["source"].iloc[0]], part["month"].max())
            facts = {"source": str(year["source"].iloc[0]), "period": _period(year)}
            found.append({**row, **facts, "offences": int(year["offences"].sum())})
    columns = ["proxy", "source", "offences", "unit", "noun", "of_what", "note", "period"]
    table = pd.DataFrame(found, columns=columns).astype({"offences": "int64"})
    return table.assign(release_class=origin(rows)["release_class"])
