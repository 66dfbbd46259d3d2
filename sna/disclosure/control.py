"""Disclosure control of one result table, from true counts to what may leave the house."""

from typing import Any

import numpy as np
import pandas as pd

from sna.disclosure.derive import add_derived, add_estimate
from sna.disclosure.ledger import ledger_rows
from sna.disclosure.protected import ProtectedTable
from sna.disclosure.rules import check_edition, is_lifted, row_rules, source_classes
from sna.disclosure.secondary import secondary_cells
from sna.disclosure.suppress import primary_cells, round_counts
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
    true, rows, base = table[kept], rules[kept], settings.disclosure.round_base
    shown, flags, log = _protect_counts(true, shape, rows, settings)
    reliable = not is_lifted("reliability", shape, settings)
    for derived in shape.derived:
        shown, flags = add_derived(
            shown, flags, derived, rounded=rows["rounded"], reliability=reliable
        )
    for estimate in shape.estimates:
        shown, flags = add_estimate(shown, flags, estimate, true=true, rounded=rows["rounded"],
                                    base=base, counts=shape.counts)  # fmt: skip
    log.append(_log("geography", shape, table[~kept], "", rules["dropped"][~kept]))
    return ProtectedTable(
        shape, shown[columns], flags[[name for name in columns if name in flags]],
        data.edition, data.borough_name, _period(true, data), _sources(table, data),
        _notes(flags, rows, settings, dropped=not kept.all()), bool(data.simulated),
        getattr(settings.markings, data.edition), pd.concat(log, ignore_index=True),
        ledger_rows(shown, shape, rows, pd.Timestamp(data.end_month)),
    )  # fmt: skip


def _check_columns(table: pd.DataFrame, shape: ResultTable) -> list[str]:
    """Return the columns that may leave, in the order of the contract; raise if one is missing."""
    made = [name for d in shape.derived for name in (d.column, *d.limits)]
    given = [*shape.keys, *shape.counts, *shape.plain]
    estimates = [e.column for e in shape.estimates]
    inner = [*shape.people_columns.values(), *shape.top_two_columns.values(),
             *(e.count for e in shape.estimates)]  # fmt: skip
    if absent := {*given, *estimates, *inner} - {*table, *made}:
        raise TableError(f"Result table {shape.name} lacks {len(absent)} columns of its contract.",
                         found=sorted(absent), do="Add them, or change the contract.")  # fmt: skip
    return list(dict.fromkeys([*given, *made, *estimates]))


def _protect_counts(
    true: pd.DataFrame, shape: ResultTable, rows: pd.DataFrame, settings: Settings
) -> tuple[pd.DataFrame, pd.DataFrame, list[pd.DataFrame]]:
    counts, flags, log = {}, {}, []
    lifted = [r for r in ("dominance", "group") if is_lifted(r, shape, settings)]
    for name in shape.counts:
        value, base = true[name].astype("float64"), settings.disclosure.round_base
        cells = primary_cells(true, shape, rows, name)
        cells = {rule: hit for rule, hit in cells.items() if rule not in lifted}
        first = pd.DataFrame(cells).any(axis=1)
        hidden = secondary_cells(value, first, true, shape, rows, base) if first.any() else first
        near = round_counts(value, base=base, threshold=rows["threshold"])
        counts[name] = value.where(~rows["rounded"], near).mask(hidden)
        low = rows["restricted"] & ~rows["rounded"] & value.between(1, 4)
        flag = np.select([hidden, value.isna(), low], ["[c]", "[x]", "[low]"], "")
        flags[name] = pd.Series(flag, index=true.index, dtype="str")
        cells["secondary"] = hidden & ~first
        log += [_log(r, shape, true[hit], name, REASONS[r]) for r, hit in cells.items()]
    return true.assign(**counts), pd.DataFrame(flags, index=true.index), log


def _log(
    rule: str, shape: ResultTable, hit: pd.DataFrame, column: str, reason: Any
) -> pd.DataFrame:
    keys = hit[list(shape.keys)].astype("str").itertuples(index=False)
    facts = {"rule": rule, "contract": shape.name, "cell": [" | ".join(row) for row in keys]}
    return pd.DataFrame(facts | {"column": column, "reason": reason}, index=hit.index, dtype="str")


def _period(true: pd.DataFrame, data: Any) -> str:
    if "month" not in true or not true["month"].notna().any():
        return f"to {pd.Timestamp(data.end_month):%B %Y}"
    first, last = true["month"].min(), true["month"].max()
    return f"{last:%B %Y}" if first == last else f"{first:%B %Y} to {last:%B %Y}"


def _sources(table: pd.DataFrame, data: Any) -> tuple[str, ...]:
    names = table["source"].dropna().astype("str") if "source" in table else source_classes(data)
    return tuple(sorted(set(names)))


def _notes(
    flags: pd.DataFrame, rows: pd.DataFrame, settings: Settings, *, dropped: bool
) -> tuple[str, ...]:
    """Say in plain words what was done, so that a reader meets no unexplained shorthand."""
    met, base = set(flags.to_numpy().ravel()), settings.disclosure.round_base
    limits = " or ".join(str(limit) for limit in sorted(set(rows["threshold"]) - {0}))
    said = {
        f"Counts from restricted sources are rounded to the nearest {base}, totals too, so figures "
        "may not sum.": rows["rounded"].any(),
        f"[c] means withheld to protect people: fewer than {limits}, or a figure that would reveal "
        "one.": "[c]" in met,
        "[u] means based on fewer than 20 events: treat with caution.": "[u]" in met,
        "[x] means not available, or too few events for this measure.": "[x]" in met,
        "[low] marks a small number, shown to named partners only. "
        + settings.markings.handling: "[low]" in met,
        "Restricted data is not shown for areas smaller than a ward, for periods under a quarter "
        "below the borough, nor for homicide below the borough.": dropped,
    }
    return tuple(sentence for sentence, is_true in said.items() if is_true)
