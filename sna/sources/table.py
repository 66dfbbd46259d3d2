"""The one reader of tables: roles to text, text to rows, rows to the columns a layout states."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from sna.schemas.store_tables import STORE_TABLES
from sna.sources.convert import File, find_converter
from sna.sources.editions import edition_findings
from sna.sources.layout import (
    FileSample,
    Match,
    ReadContext,
    ReadResult,
    check_headings,
    make_finding,
    refuse,
)
from sna.sources.rows import Rows, fill, line_rejects, make_array, make_rejects, parse_counts
from sna.sources.text import read_text

_EVENTS = ("offences", "people", "outcomes")
_LATE = "Check the headings against the publisher's file."
_UNCHECKED = "This layout was not checked against a real file: compare a few figures by hand."


def read(sample: FileSample, match: Match, context: ReadContext) -> ReadResult:
    """Read a whole file as its layout says; rows that cannot be used become rejects."""
    layout, file = match.layout, File(sample, match, context)
    _check_columns(file)
    wide = {f"{v} {key}": name for v, keys in match.wide.items() for key, name in keys.items()}
    coded = tuple(name for r, name in match.columns.items() if not layout.roles[r].unique)
    text = read_text(sample, columns=(*match.columns.values(), *wide.values()), coded=coded)
    rows = Rows(text.table.rename_columns([*match.columns, *wide]))
    rows = Rows(rows.text.append_column("line", pa.array(text.lines, pa.int32())))
    grids = {v: _read_grid(rows, v, tuple(keys)) for v, keys in match.wide.items() if keys}
    good = np.ones(rows.text.num_rows, dtype=bool)
    rejects = [line_rejects(text)]
    for bad, role, reason, values in _problems(rows, file, grids, good):
        column = match.columns.get(role, role) if isinstance(role, str) else role[bad & good]
        how = {"column": column, "reason": reason, "values": values}
        rejects.append(make_rejects(bad & good, lines=text.lines, **how))
        good &= ~bad
    kept = rows if good.all() else Rows(rows.text.filter(pa.array(good)))
    told = [table for table in rejects if len(table)]
    rejected = pd.concat(told, ignore_index=True) if told else rejects[0]
    result = ReadResult({}, text.rows, kept.text.num_rows, rejected, list(text.findings))
    result.findings += [*_find(kept, file), *edition_findings(kept, context.places)]
    cells, values = kept, {}
    if layout.wide:
        cells, values = _unpivot(kept, file, {v: g[good] for v, g in grids.items()}, result)
    tables = _split(_make_table(cells, file, values), cells, file)
    result.tables = {name: table for name, table in tables.items() if table.num_rows}
    if layout.wide and layout.table == "offences":
        _describe_wide(result, kept, file)
    return result


def _check_columns(file: File) -> None:
    """Raise `SourceError` when two columns claim the same role or the same month."""
    wide, match = file.match.layout.wide, file.match
    cells = [name for keys in match.wide.values() for name in keys.values()]
    check_headings(file.sample, (*match.columns.values(), *cells))
    if wide and wide.key == "month":
        months = pd.Series(find_converter("month")(cells, file), index=cells)
        if (again := months.duplicated(keep=False)).any():
            what = "Several columns are of the same month, so it is unknown which of them counts."
            found = months.index[again]
            raise refuse(file.sample, what, found=found, do="Delete those that do not.")


# ---------------------------------------------------------------------------- columns


def _kind(table: str, column: str) -> pa.DataType:
    """Return the type of a store column; a helper column (``_…``) is text."""
    dtype = "category" if column.startswith("_") else STORE_TABLES[table].columns[column].dtype
    kinds = {
        "category": pa.dictionary(pa.int32(), pa.string()),
        "datetime64[us]": pa.timestamp("us"),
    }
    return kinds.get(dtype) or pa.type_for_alias(dtype)


def _answers(rows: Rows, spec: str, file: File) -> Iterator[tuple[str, np.ndarray, Any]]:
    """Yield role, codes and each column's answers for alternatives the file has the roles for."""
    for roles, name in split_spec(spec):
        if not rows.has(roles):
            continue
        codes, values = rows.codes(roles)
        if (asked := (*roles, name)) not in rows.answers:  # first to check rows, then to keep them
            answers = find_converter(name)(values, file)
            rows.answers[asked] = answers if isinstance(answers, tuple) else (answers,)
        yield roles[0], codes, rows.answers[asked]


def split_spec(spec: str) -> list[tuple[list[str], str]]:
    """Return roles and converter of each alternative.

    >>> split_spec("year + quarter: quarter; month: month")
    [(['year', 'quarter'], 'quarter'), (['month'], 'month')]
    """
    parts = (choice.partition(":") for choice in spec.split(";"))
    return [([role.strip() for role in roles.split("+")], name.strip()) for roles, _, name in parts]


def _make_columns(rows: Rows, names: str, spec: str, file: File) -> dict[str, pa.Array]:
    """Return the columns that one line of a layout gives; none where the file lacks its roles."""
    layout = file.match.layout
    kinds = {name: _kind(layout.table, name) for name in names.split(", ")}
    role = layout.roles.get(spec)
    if role and role.unique and rows.has([spec]):
        return {names: rows.text[spec].cast(pa.string())}
    found: dict[str, pa.Array] = {}
    for _, codes, answers in _answers(rows, spec, file):
        pairs = zip(kinds.items(), answers, strict=True)
        new = {name: make_array(codes, column, kind) for (name, kind), column in pairs}
        found = {name: fill(found[name], new[name]) for name in new} if found else new
        if not any(column.null_count for column in found.values()):
            break
    return found


def _make_table(rows: Rows, file: File, values: dict[str, np.ndarray]) -> pa.Table:
    """Return the store table: constants, what columns give, and where each row comes from."""
    layout, context = file.match.layout, file.context
    known = STORE_TABLES[layout.table].columns
    constants = {
        **({} if layout.table in _EVENTS else dict.fromkeys(known)),
        "source": layout.id,
        "release_class": context.release_class,
        "file_id": context.file_id,
        **layout.constants,
    }
    same = np.zeros(rows.text.num_rows, dtype="int32")
    columns = {
        name: make_array(same, [value], _kind(layout.table, name))
        for name, value in constants.items()
        if name in known
    }
    for names, spec in layout.columns.items():
        columns |= _make_columns(rows, names, spec, file)
    for name, numbers in values.items():
        columns[name] = pa.array(numbers, from_pandas=True).cast(_kind(layout.table, name))
    found = pa.table({name: column for name, column in columns.items() if name in known})
    return found.append_column("line", rows.text["line"]) if layout.table in _EVENTS else found


def _split(table: pa.Table, rows: Rows, file: File) -> dict[str, pa.Table]:
    """Return the table, or two where a layout mixes what belongs apart."""
    layout, rule = file.match.layout, file.match.layout.split
    if rule is None:
        return {layout.table: table}
    is_other = ~_unanswered(rows, rule.column, file)
    other = table.filter(pa.array(is_other))
    names = [rule.table if name == layout.table else name for name in other.column_names]
    other = other.rename_columns(names)
    wanted = {*STORE_TABLES[rule.table].columns, "line"}
    other = other.select([name for name in names if name in wanted])
    for name, value in rule.constants.items():
        column = make_array(np.zeros(len(other), "int32"), [value], _kind(rule.table, name))
        other = other.append_column(name, column)
    return {layout.table: table.filter(pa.array(~is_other)), rule.table: other}


# ---------------------------------------------------------------------------- rows


def _unanswered(rows: Rows, spec: str, file: File) -> np.ndarray:
    """Return the rows for which no alternative has an answer."""
    bad = np.ones(rows.text.num_rows, dtype=bool)
    for _, codes, answers in _answers(rows, spec, file):
        bad &= np.all([pd.isna(column) for column in answers], axis=0)[codes]
    return bad


def _problems(
    rows: Rows, file: File, grids: dict[str, np.ndarray], good: np.ndarray
) -> Iterator[tuple[Any, ...]]:
    """Yield bad rows with the role at fault, the reason, and what stands there.

    Of wide columns the heading at fault, row by row. ``good`` are the rows left at each step.
    """
    layout = file.match.layout
    specs = {n: spec for names, spec in layout.columns.items() for n in names.split(", ")}
    for column, reason in layout.must.items():
        roles = split_spec(specs[column])[-1][0]  # without them the file cannot be held to it
        bad = _unanswered(rows, specs[column], file) & rows.has(roles)
        if bad.any():
            yield bad, roles[0], reason, rows.strings(roles[0])
    if "month" in specs and not layout.wide:
        yield from _late(rows, specs["month"], file)
    for value, grid in grids.items():
        wrong = np.isinf(grid)
        if layout.wide and layout.wide.blank_is_bad:
            wrong |= np.isnan(grid)
        if wrong.any():
            names = [f"{value} {key}" for key in file.match.wide[value]]
            cells = np.column_stack([rows.strings(name) for name in names])
            first = wrong.argmax(axis=1)
            heads = np.array(list(file.match.wide[value].values()), dtype=object)[first]
            shown = cells[np.arange(len(cells)), first]
            yield wrong.any(axis=1), heads, "A cell holds no count.", shown
    if keys := [key for key in layout.keys if rows.has([key])]:
        yield from _repeated(rows, keys, good)


def _late(rows: Rows, spec: str, file: File) -> Iterator[tuple[Any, ...]]:
    """Yield rows of a month that has not begun, or from before there was such a file."""
    since = pd.Timestamp(file.match.layout.since)
    for role, codes, answers in _answers(rows, spec, file):
        months = np.array(answers[-1], dtype="datetime64[us]")
        early = f"Such files begin in {since:%Y-%m}: the month cannot be right."
        for bad, why in (
            (months > np.datetime64("now"), "The month lies in the future."),
            (months < since.to_datetime64(), early),
        ):
            if bad.any():
                yield bad[codes], role, why, rows.strings(role)


def _repeated(rows: Rows, keys: list[str], good: np.ndarray) -> Iterator[tuple[Any, ...]]:
    """Yield rows that stand above already, and those that say something else of the same key."""
    split = {key: rows.split(key) for key in keys}  # texts that differ in blanks or case are one
    texts = {
        k: pd.factorize(pd.Series(values, dtype="str").str.casefold())[0][codes]
        for k, (codes, values) in split.items()
    }
    same = pd.DataFrame(texts)[good].duplicated(keep=False)
    places = same.index[same]
    if not len(places):
        return
    names = [name for name in rows.text.column_names if name != "line"]
    table = pd.DataFrame({n: rows.strings(n).iloc[places].str.casefold() for n in names})
    again = table.duplicated()
    for lost, why in (
        (again, "The same row stands above."),
        (table[~again].duplicated(keys, keep=False), "Another row gives another figure for this."),
    ):
        bad = np.zeros(len(good), dtype=bool)
        bad[lost.index[lost]] = True
        yield bad, keys[-1], why, rows.strings(keys[-1])


def _find(rows: Rows, file: File) -> list[dict[str, Any]]:
    """Return the findings that a layout states, with the rows they are about."""
    layout = file.match.layout
    act = "Check totals by area against the publisher's page."
    found = [] if layout.is_checked else [make_finding(_UNCHECKED, severity="warning", action=act)]
    found += [make_finding(note) for note in layout.notes]
    for notice in layout.notices:
        role = split_spec(notice.column)[0][0][0]
        bad = _unanswered(rows, notice.column, file)
        if not (bad.any() and rows.has([role])):
            continue
        there = rows.strings(role)[bad].dropna()
        if len(there):
            values = ", ".join(sorted(there.unique())[:5])
            found.append(make_finding(notice.text.replace("{values}", values), rows=len(there)))
    return found


# ---------------------------------------------------------------------------- wide columns


def _read_grid(rows: Rows, value: str, keys: tuple[str, ...]) -> np.ndarray:
    """Return the numbers by row and key: NaN where blank, infinite where there is no count."""
    pairs = (parse_counts(rows.text[f"{value} {key}"]) for key in keys)
    return np.column_stack([np.where(wrong, np.inf, numbers) for numbers, wrong in pairs])


def _unpivot(
    rows: Rows, file: File, grids: dict[str, np.ndarray], result: ReadResult
) -> tuple[Rows, dict[str, np.ndarray]]:
    """Return a row for each cell that holds a number: the key as a role, and the numbers."""
    wide, columns = file.match.layout.wide, file.match.wide
    assert wide is not None
    first, *others = grids
    keys = list(columns[first])
    there = np.isfinite(grids[first])
    if blank := int((~there).sum()):
        text = f"{blank} blank cells: taken as not published."
        result.findings.append(make_finding(text, rows=blank))
    if wide.key == "month":
        begun = pd.to_datetime(pd.Series(find_converter("month")([*keys], file)))
        since = file.match.layout.since
        is_late = ~begun.between(pd.Timestamp(since), pd.Timestamp.now()).to_numpy()
        if late := [key for key, later in zip(keys, is_late, strict=True) if later]:
            there[:, is_late] = False
            text = f"{len(late)} months lie in the future or before {since} and are left out: "
            text += f"{', '.join(late[:6])}."
            result.findings.append(make_finding(text, severity="warning", action=_LATE))
    if wide.wanted and wide.wanted not in keys:
        result.findings.append(make_finding(f"No {wide.key} is called {wide.wanted}."))
    row, key = np.nonzero(there & ((grids[first] > 0) | wide.zeros))
    heading = make_array(key, [*keys, None], _kind(file.match.layout.table, "_"))
    values = {first: grids[first][row, key]}
    for value in others:
        grid = pd.DataFrame(grids[value], columns=list(columns[value])).reindex(columns=keys)
        values[value] = grid.to_numpy()[row, key]
    told = rows.text.select([*file.match.columns, "line"]).take(pa.array(row))
    return Rows(told.append_column(wide.key, heading)), values


def _describe_wide(result: ReadResult, kept: Rows, file: File) -> None:
    """Say which scope the labels have and which months there are; count raw rows by category."""
    spec = file.match.layout.columns["published_category"]
    names = _make_columns(kept, "published_category", spec, file)["published_category"]
    lines = kept.text["line"].to_pandas()
    by_name = lines.groupby(names.to_pandas().astype("str"), sort=False)
    result.category_rows = {str(name): some.tolist() for name, some in by_name}
    if not result.category_rows:
        return
    letter = next(iter(result.category_rows)).split(" ")[1]
    months = pd.Series(
        pd.to_datetime(find_converter("month")([*file.match.wide["offences"]], file))
    )
    result.variant = f"layout {letter}, {months.min():%Y-%m} to {months.max():%Y-%m}"
