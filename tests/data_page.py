"""Make docs/data.md from the contracts: ``python tests/data_page.py``."""

from pathlib import Path

from sna.schemas.store_tables import STORE_TABLES
from sna.sources import layouts

# What each line of inputs.json says; a test holds it to what a build writes.
FIELDS = {
    "file": "path below the raw folder, with the sheet or the member of an archive",
    "raw_file": "the same without the sheet", "file_id": "its number in the tables",
    "sha256": "checksum of the bytes, with eight letters of its mapping's", "bytes": "size",
    "layout": "what it was recognised as, or `extract`; empty: not recognised",
    "title": "of the layout or the mapping", "publisher": "of the data", "licence": "of the data",
    "release_class": "open, restricted or person_level", "variant": "of the layout",
    "series": "what two editions of one table share", "mapping": "checksum of its mapping",
    "copy_of": "the file with the same bytes that is read instead",
    "is_wide": "whether months stand in columns", "totals": "count of each month",
    "digests": "checksum of each month by category and borough",
    "labels": "first and last month of each label", "groups": "count of each month by group",
    "boroughs": "how many its rows were placed in", "first_month": "of its rows", "last_month": "of its rows",
    "rows": "raw rows: used + rejected", "rows_used": "rows in the store",
    "rows_rejected": "rows in rejects.parquet", "rows_replaced": "of these, because another file is taken",
    "replaced_months": "months of which another file holds all", "findings": "what is told of it",
}  # fmt: skip

PAGE = Path(__file__).parents[1] / "docs" / "data.md"


def make_page() -> str:
    """Return the page: every store table with its columns, then every layout that can be read."""
    lines = [
        "# The store and what it is read from",
        "",
        "Made from `sna/schemas` and `sna/sources` by `python tests/data_page.py`; a test holds it current.",
        "`sna build` reads `data/raw` and writes `data/processed`: Parquet, one file a borough for offences,",
        "people and outcomes (`unplaced` for rows without a borough; `.1`, `.2` … for months added later),",
        "GeoParquet for areas, `inputs.json` with one line a file, `store.json` with checksums.",
    ]
    for table in STORE_TABLES.values():
        lines += ["", f"## {table.name}", "", f"{table.grain[0].upper()}{table.grain[1:]}.", ""]
        lines += ["| Column | Type | Unit | Must be there | Meaning |", "|---|---|---|---|---|"]
        for name, column in table.columns.items():
            allowed = f" ({', '.join(column.allowed)})" if column.allowed else ""
            meaning = f"{column.meaning}{allowed}".replace("|", "\\|")
            must = "yes" if name in table.required else ""
            lines.append(f"| `{name}` | {column.dtype} | {column.unit} | {must} | {meaning} |")
    lines += ["", "## inputs.json", "", "One line a file:", ""]
    lines += ["| Field | Meaning |", "|---|---|"]
    lines += [f"| `{name}` | {meaning} |" for name, meaning in FIELDS.items()]
    lines += ["", "## Layouts that are recognised", ""]
    lines += [
        "A layout is a row of `sna/sources/layouts/<publisher>.toml`. To read a new source, add one:",
        "its `roles` (a pattern of headings, and of values where that helps), the `table` of the store it",
        'fills, and `columns`: each `store column = "role: converter"`, alternatives after a semicolon.',
        "A converter is a name of `sna/sources/convert.py` or of a table of `layouts/words.toml`, a template",
        "with `{}`, or `/a pattern/` that lets values through. `must` gives the reason why rows without an",
        "answer are rejected; `keys` are roles that no two rows share; `wide` turns columns such as months",
        "into rows; `is_checked = false` says that",
        "no real file was seen, and every build repeats it. Only what TOML cannot say has a module of its own.",
        "",
        "| Id | Title | Publisher | Licence | Columns it must have | Tables | Checked on |",
        "|---|---|---|---|---|---|---|",
    ]
    for layout in layouts():
        roles = [role.replace("_", " ") for role, rule in layout.roles.items() if rule.needed]
        roles += [f"a column a {layout.wide.key}"] if layout.wide else []
        tables = [layout.table, *([layout.split.table] if layout.split else [])]
        checked = "headings as published" if layout.is_checked else "a description only"
        lines.append(f"| `{layout.id}` | {layout.title} | {layout.publisher} | {layout.licence} | "
                     f"{', '.join(roles)} | {', '.join(tables)} | {checked} |")  # fmt: skip
    lines += [
        "",
        "A record extract is read through `NAME.mapping.toml` beside it; see `sna mapping new`.",
        "",
        "## A table that is not recognised",
        "",
        "`sna check` names every table that it does not use, with the layout nearest to it and what differs.",
        "",
        "| The table | Finding | `sna check` ends with |",
        "|---|---|---|",
        "| has more than half of the columns of a layout, but not all: its publisher changed them | error | 3 |",
        "| cannot be opened or read, or is known and still refused (violence against women and girls) | error | 3 |",
        "| is of another kind: a list of codes, a note, a table of your own | warning | 0 |",
        "| is a cover or a sheet of notes in a workbook of which another sheet is read | information | 0 |",
        "| is read, but more than 1 % of its rows are rejected (a setting; tables of events only) | error | 3 |",
        "",
        "So a scheduled check stops when a source would be missing that was there the year before, and a folder",
        "may hold what the assessment does not need. `sna build` loads whatever can be read in each case, says how",
        "many tables were not, and ends with 3 only for rejected rows.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(make_page(), encoding="utf-8")
