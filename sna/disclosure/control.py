"""Disclosure control of one result table, from true counts to what may leave the house."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from sna.disclosure.derive import add_derived, add_estimate
from sna.disclosure.ledger import ledger_rows
from sna.disclosure.protected import ProtectedTable
from sna.disclosure.rules import Row, check_edition, is_lifted, row_rules, source_classes
from sna.disclosure.secondary import exact_cells, rounded_cells
from sna.disclosure.suppress import group_cells, round_counts, small_cells
from sna.errors import TableError
from sna.schemas.results import ResultTable, result_table
from sna.settings import Settings

REASONS = {
    "threshold": "count below the threshold",
    "people": "fewer distinct people than the threshold",
    "dominance": "two contributors make up more than 90 %",
    "group": "the split would say something about everyone in a small or uniform group",
    "secondary": "would let a suppressed count be worked out",
}


def protect(table: pd.DataFrame, *, contract: str, data: Any) -> ProtectedTable:
    """Apply disclosure control to a result table, and recompute its rates from what is left.

    Protecting one table does not make it safe beside every other table: the differencing ledger
    compares what was published before.

    Parameters
    ----------
    table
        A result table with the columns of its contract, true counts, and per row
        ``release_class`` (missing: restricted) and optionally ``sensitivity`` and ``source``.
    contract
        Name of the result table in `sna.schemas`.
    data
        The borough's data: ``edition``, ``borough_name``, ``end_month``, ``simulated``,
        ``settings``, and the tables that say which source has which release class.

    Returns
    -------
    ProtectedTable
        The contract's columns in its order. Open rows keep their counts; restricted rows are
        suppressed and rounded as their sensitivity asks, in the partner edition only where no
        sharing agreement covers the source. Every derived column comes from these counts.

    Raises
    ------
    TableError
        If a column of the contract is missing.
    UsageError
        If the edition is neither public nor partner.
    DisclosureError
        If a table with exact public totals cannot be made safe.

    Notes
    -----
    Assumptions A-70 to A-76 in docs/assumptions.md.
    """
    check_edition(data.edition)
    shape = result_table(contract)
    settings = getattr(data, "settings", None) or Settings()
    _check_columns(table, shape)
    rows = row_rules(table, shape, data, settings)
    if shape.exact_totals:
        rows = replace(rows, rounded=rows.rounded & False)
    kept = rows.dropped.eq("")
    log = [_log("geography", shape, table[~kept], "", rows.dropped[~kept])]
    true = table[kept]
    rows = Row(*(part[kept] for part in (rows.restricted, rows.threshold, rows.rounded,
                                         rows.dropped)))  # fmt: skip
    shown, flags, more = _protect_counts(true, shape, rows, settings)
    reliable = not is_lifted("reliability", shape, settings)
    for derived in shape.derived:
        shown, flags = add_derived(
            shown, flags, derived, rounded=rows.rounded, reliability=reliable
        )
    for estimate in shape.estimates:
        shown, flags = add_estimate(
            shown, flags, estimate, true=true, restricted=rows.rounded, counts=shape.counts,
            base=settings.disclosure.round_base,
        )  # fmt: skip
    columns = [name for name in contract_columns(shape) if name in shown]
    return ProtectedTable(
        contract=shape,
        table=shown[columns],
        flags=flags[[name for name in columns if name in flags]],
        edition=data.edition,
        borough_name=data.borough_name,
        period=_period(true, data),
        sources=_sources(table, data),
        notes=_notes(flags, rows, settings, dropped=bool((~kept).any())),
        simulated=bool(data.simulated),
        marking=getattr(settings.markings, data.edition),
        log=pd.concat([*log, *more], ignore_index=True),
        ledger=ledger_rows(shown, shape, rows, pd.Timestamp(data.end_month)),
    )


def contract_columns(shape: ResultTable) -> list[str]:
    """Return every column that may leave, in the order of the contract."""
    made = [name for d in shape.derived for name in (d.column, *d.limits)]
    every = [*shape.keys, *shape.counts, *shape.plain, *made]
    return list(dict.fromkeys([*every, *(e.column for e in shape.estimates)]))


def _check_columns(table: pd.DataFrame, shape: ResultTable) -> None:
    made = {name for d in shape.derived for name in (d.column, *d.limits)}
    needed = [
        *contract_columns(shape),
        *shape.people_columns.values(),
        *shape.top_two_columns.values(),
        *(e.count for e in shape.estimates),
    ]
    if absent := [name for name in dict.fromkeys(needed) if name not in made | set(table)]:
        raise TableError(
            f"Result table {shape.name} lacks {len(absent)} columns of its contract.",
            where=f"contract {shape.name}",
            found=absent,
            do="Add them to the table or take them out of the contract.",
        )


def _protect_counts(
    true: pd.DataFrame, shape: ResultTable, rows: Row, settings: Settings
) -> tuple[pd.DataFrame, pd.DataFrame, list[pd.DataFrame]]:
    cells = small_cells(true, shape, rows, dominance=not is_lifted("dominance", shape, settings))
    if not is_lifted("group", shape, settings):
        for name, hit in group_cells(true, shape, rows).items():
            cells[name] = {**cells[name], "group": hit}
    base, counts, flags, log = settings.disclosure.round_base, {}, {}, []
    for name in shape.counts:
        value = true[name].astype("float64")
        first = pd.DataFrame(cells[name], index=true.index).any(axis=1)
        hidden = first
        if first.any():
            hidden = rounded_cells(value, first, true, shape, rows, base=base)
            exact = rows.threshold.gt(0) & ~rows.rounded
            if (first & exact).any():
                hidden = exact_cells(value, hidden, true, shape, rows)
        near = round_counts(value, base=base, threshold=rows.threshold)
        counts[name] = value.where(~rows.rounded, near).mask(hidden)
        low = rows.restricted & ~rows.rounded & value.between(1, 4)
        flag = np.select([hidden, value.isna(), low], ["[c]", "[x]", "[low]"], "")
        flags[name] = pd.Series(flag, index=true.index, dtype="str")
        every = {**cells[name], "secondary": hidden & ~first}
        log += [_log(r, shape, true[hit], name, REASONS[r]) for r, hit in every.items()]
    return true.assign(**counts), pd.DataFrame(flags, index=true.index), log


def _log(rule: str, shape: ResultTable, hit: pd.DataFrame, column: str, reason: Any
         ) -> pd.DataFrame:  # fmt: skip
    keys = hit[list(shape.keys)].astype("str")
    cell = [" | ".join(row) for row in keys.itertuples(index=False)]
    return pd.DataFrame({"rule": rule, "contract": shape.name, "cell": cell, "column": column,
                         "reason": reason}, index=hit.index, dtype="str")  # fmt: skip


def _period(true: pd.DataFrame, data: Any) -> str:
    end = pd.Timestamp(data.end_month)
    if "month" not in true or not true["month"].notna().any():
        return f"to {end:%B %Y}"
    first, last = true["month"].min(), true["month"].max()
    return f"{last:%B %Y}" if first == last else f"{first:%B %Y} to {last:%B %Y}"


def _sources(table: pd.DataFrame, data: Any) -> tuple[str, ...]:
    if "source" in table:
        return tuple(sorted(table["source"].dropna().astype("str").unique()))
    return tuple(sorted(source_classes(data)))


def _notes(flags: pd.DataFrame, rows: Row, settings: Settings, *, dropped: bool) -> tuple[str, ...]:
    """Say in plain words what was done, so that a reader meets no unexplained shorthand."""
    base, met = settings.disclosure.round_base, set(flags.to_numpy().ravel())
    limits = sorted(set(rows.threshold[rows.threshold > 0]))
    said = []
    if rows.rounded.any():
        said.append(f"Counts from restricted sources are rounded to the nearest {base}, totals "
                    "too, so figures may not sum.")  # fmt: skip
    if "[c]" in met:
        words = " or ".join(str(limit) for limit in limits)
        said.append(f"[c] means withheld to protect people: fewer than {words}, or a figure that "
                    "would reveal one.")  # fmt: skip
    if "[u]" in met:
        said.append("[u] means based on fewer than 20 events: treat with caution.")
    if "[x]" in met:
        said.append("[x] means not available, or too few events for this measure.")
    if "[low]" in met:
        said.append("[low] marks a small number, shown to named partners only. "
                    + settings.markings.handling)  # fmt: skip
    if dropped:
        said.append("Restricted data is not shown for areas smaller than a ward, for periods under "
                    "a quarter below the borough, nor for homicide below the borough.")  # fmt: skip
    return tuple(said)
