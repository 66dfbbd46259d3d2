"""Disclosure control of one result table, from true counts to what may leave the house."""

from typing import Any

import numpy as np
import pandas as pd

from sna.disclosure.derive import add_derived, add_estimate
from sna.disclosure.ledger import ledger_rows, read_earlier
from sna.disclosure.protected import ProtectedTable
from sna.disclosure.rules import WORDS, check_edition, is_lifted, row_rules, source_classes
from sna.disclosure.secondary import secondary_cells
from sna.disclosure.spans import withheld_periods
from sna.disclosure.split import split_cells, split_totals
from sna.disclosure.suppress import primary_cells, round_counts, splits_of
from sna.errors import TableError
from sna.schemas.results import ResultTable, result_table
from sna.settings import Settings


def protect(table: pd.DataFrame, *, contract: str, data: Any) -> ProtectedTable:
    """Apply disclosure control to a result table, and recompute its rates from what is left.

    Protecting one table does not make it safe beside every other table: the differencing ledger
    compares what was published before.

    Parameters
    ----------
    table
        Columns of the contract with true counts; per row ``release_class`` (absent: restricted),
        optionally ``sensitivity`` and ``source``.
    contract
        Name of the result table in `sna.schemas`.
    data
        The borough's data, with its edition and settings.

    Returns
    -------
    ProtectedTable
        The contract's columns. Open rows keep their counts; restricted rows are suppressed and
        rounded, in the partner edition only where no sharing agreement covers the source.

    Raises
    ------
    TableError, UsageError, DisclosureError
        A column is missing; the edition is unknown; public totals give a small count away.
    """
    check_edition(data.edition)
    shape, settings = result_table(contract), getattr(data, "settings", None) or Settings()
    columns = _check_columns(table, shape)
    rules = row_rules(table, shape, data, settings)
    kept = rules["dropped"].eq("")
    true, rows = table[kept], rules[kept]
    earlier = pd.DataFrame() if data.simulated or not shape.spans else read_earlier(data)
    shown, flags, log, overlap = _protect_counts(true, shape, rows, settings, earlier)
    reliable = not is_lifted("reliability", shape, settings)
    for derived in shape.derived:
        shown, flags = add_derived(shown, flags, derived, rows["rounded"], reliability=reliable)
    for estimate in shape.estimates:
        base = settings.disclosure.round_base
        shown, flags = add_estimate(shown, flags, estimate, true, rows["rounded"], base, shape)
    log.append(_log("geography", shape, table[~kept], "", rules["dropped"][~kept]))
    release = pd.Timestamp(data.end_month)
    return ProtectedTable(
        contract=shape,
        table=shown[columns],
        flags=flags[[name for name in columns if name in flags]],
        edition=data.edition,
        borough_name=data.borough_name,
        period=_period(true, release),
        sources=_sources(table, data),
        notes=_notes(flags, rows, data.edition, settings, dropped=not kept.all()),
        simulated=bool(data.simulated),
        absent=str(table.attrs.get("absent", "")),
        marking=getattr(settings.markings, data.edition),
        log=pd.concat(log, ignore_index=True),
        ledger=ledger_rows(
            shown, shape, rows, release, true, settings.disclosure.round_base, overlap
        ),
    )


def withheld_cells(table: pd.DataFrame, *, contract: str, data: Any) -> pd.DataFrame:
    """Say which counts of a result table `protect` withholds, for other tables of the same people.

    Arguments are those of `protect`; returns booleans by row and count column.
    """
    shape, settings = result_table(contract), getattr(data, "settings", None) or Settings()
    rules = row_rules(table, shape, data, settings)
    return pd.DataFrame(_hidden_cells(table, shape, rules, settings, pd.DataFrame())[1])


def _sources(table: pd.DataFrame, data: Any) -> tuple[str, ...]:
    """Return the sources that the rows name, else all of the borough's."""
    named = table["source"].dropna().unique() if "source" in table else source_classes(data)
    return tuple(sorted(named))


def _check_columns(table: pd.DataFrame, shape: ResultTable) -> list[str]:
    """Return the columns that may leave, in the order of the contract; raise if one is missing."""
    made = [name for d in shape.derived for name in (d.column, *d.limits)]
    estimates = [e.column for e in shape.estimates]
    inner = {e.count for e in shape.estimates}
    inner |= {*shape.people_columns.values(), *shape.top_two_columns.values()}
    if shape.spans:
        inner |= {"last_month", *(m for m in shape.spans.values() if isinstance(m, str))}
    given = [*shape.keys, *shape.counts, *shape.plain]
    if absent := {*given, *estimates, *inner} - {*table, *made}:
        what = f"Result table {shape.name} lacks {len(absent)} columns of its contract."
        raise TableError(what, found=sorted(absent), do="Add them, or change the contract.")
    return list(dict.fromkeys([*given, *made, *estimates]))


def _protect_counts(
    true: pd.DataFrame,
    shape: ResultTable,
    rows: pd.DataFrame,
    settings: Settings,
    earlier: pd.DataFrame,
) -> tuple[pd.DataFrame, pd.DataFrame, list[pd.DataFrame], dict[str, pd.Series]]:
    """Return the table with protected counts, their flags, why each was hidden, and for overlap."""
    counts, flags, log, base = {}, {}, [], settings.disclosure.round_base
    found, hidden = _hidden_cells(true, shape, rows, settings, earlier)
    for name in shape.counts:
        value, gone = true[name].astype("float64"), hidden[name]
        near = round_counts(value, base=base, threshold=rows["threshold"])
        counts[name] = value.where(~rows["rounded"], near).mask(gone)
        low = rows["restricted"] & ~rows["rounded"] & value.between(1, 4)
        flag = np.select([gone, value.isna(), low], ["[c]", "[x]", "[low]"], "")
        flags[name] = pd.Series(flag, index=true.index, dtype="str")
        for rule, hit in [(rule, hit) for rule, hit in found[name].items() if hit.any()]:
            log.append(_log(rule, shape, true[hit], name, WORDS["reasons"][rule]))
    for name, total in split_totals(counts, true, shape, rows).items():
        limits = rows["threshold"].loc[total.index]
        counts[name].loc[total.index] = round_counts(total, base=base, threshold=limits)
        flags[name].loc[total.index] = total.isna().map({True: "[c]", False: ""})
    for name, (one, two) in shape.sums.items():  # rounded by itself it would be one equation more
        made = rows["rounded"] & true[name].notna()
        value = counts[one] + counts[two].mask(true[name].eq(true[one]), 0)
        counts[name] = counts[name].mask(made, value)
        flags[name] = flags[name].mask(made, value.isna().map({True: "[c]", False: ""}))
    overlap = {name: found[name]["overlap"] for name in shape.counts}
    return true.assign(**counts), pd.DataFrame(flags, index=true.index), log, overlap


def _hidden_cells(
    true: pd.DataFrame,
    shape: ResultTable,
    rows: pd.DataFrame,
    settings: Settings,
    earlier: pd.DataFrame,
) -> tuple[dict[str, dict[str, pd.Series]], dict[str, pd.Series]]:
    """Find the cells to hide, by column and rule and by column: small ones, then their tells."""
    found, hidden, base = {}, {}, settings.disclosure.round_base
    splits = splits_of(true, shape, rows["threshold"])
    for name in shape.counts:
        cells = primary_cells(true, shape, rows, name, splits)
        cells = {rule: hit for rule, hit in cells.items() if not is_lifted(rule, shape, settings)}
        if shape.beside.get(name) in true:
            cells["secondary"] = true[shape.beside[name]].eq(True)
        first, value = pd.DataFrame(cells).any(axis=1), true[name].astype("float64")
        hidden[name] = first
        if first.any():
            hidden[name] = secondary_cells(value, first, true, shape, rows, base)
        found[name] = cells | {"secondary": hidden[name] & ~first | cells.get("secondary", False)}
    wide = split_cells(hidden, true, shape, rows, base)
    behind = [(name, people) for name, people in shape.people_columns.items() if people in wide]
    wide = wide | {name: wide[name] | wide[people] for name, people in behind}
    for name in shape.counts:
        found[name]["secondary"] |= wide[name] & ~hidden[name]
    hidden, wide = wide, withheld_periods(true, wide, shape, rows, base, earlier)
    for name in shape.counts:
        found[name]["overlap"] = wide[name] & ~hidden[name]
    return found, wide


def _log(
    rule: str, shape: ResultTable, hit: pd.DataFrame, column: str, reason: Any
) -> pd.DataFrame:
    keys = hit[list(shape.keys)].astype("str").itertuples(index=False)
    facts = {"rule": rule, "contract": shape.name, "cell": [" | ".join(row) for row in keys]}
    return pd.DataFrame(facts | {"column": column, "reason": reason}, index=hit.index, dtype="str")


def _period(true: pd.DataFrame, release: pd.Timestamp) -> str:
    pairs = [("period_start", "period_end"), ("month", "month"), ("start_month", "end_month")]
    start, end = next((pair for pair in pairs if pair[1] in true), ("", ""))
    if start not in true or not true[start].notna().any():
        return f"to {release:%B %Y}"
    first, last = true[start].min(), true[end].max()
    first, last = first.to_period("M"), last.to_period("M")
    return f"{last:%B %Y}" if first == last else f"{first:%B %Y} to {last:%B %Y}"


def _notes(
    flags: pd.DataFrame, rows: pd.DataFrame, edition: str, settings: Settings, *, dropped: bool
) -> tuple[str, ...]:
    """Say in plain words what was done, so that a reader meets no unexplained shorthand."""
    is_late = edition == "partner" and bool(settings.expired)
    is_rounded, met = bool(rows["rounded"].any()), set(flags.to_numpy().ravel())
    done = {"rounded": is_rounded, "dropped": dropped, "expired": is_late and is_rounded}
    done |= {name: f"[{name}]" in met for name in ("c", "u", "x", "low")}
    facts = {
        "base": settings.disclosure.round_base,
        "limits": " or ".join(str(limit) for limit in sorted(set(rows["threshold"]) - {0})),
        "handling": settings.markings.handling,
        "expired": ", ".join(settings.expired),
    }
    return tuple(words.format(**facts) for name, words in WORDS["notes"].items() if done[name])
