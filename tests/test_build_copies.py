"""Nothing counts twice and nothing goes in silence: copies, repeated columns, files taken away."""

from pathlib import Path

import pandas as pd
import pytest
from raw_folder import BOROUGH, EXTRACT_MAPPING, STREET, street_row, write
from typer.testing import CliRunner

from sna.build import Summary, build, check_folder
from sna.cli import app
from sna.errors import SourceError
from sna.store import load_borough, read_json, read_table, write_json

ROBBERY = "ROBBERY,ROBBERY OF PERSONAL PROPERTY"
EXTRACT = "Ref,Date,Code,Age,Victim,Borough"
SEARCH = (
    "Type,Date,Part of a policing operation,Policing operation,Latitude,Longitude,Gender,Age range,"
    "Self-defined ethnicity,Officer-defined ethnicity,Legislation,Object of search,Outcome"
)


def _search(number: int) -> str:
    when = f"2024-01-{number:02d}T12:00:00+00:00"
    return f"Person search,{when},,,51.5,-0.1,Male,18-24,,White,Section 1,Drugs,Arrest"


def _found(summary: Summary, words: str) -> pd.DataFrame:
    return summary.findings[summary.findings["finding"].str.contains(words)]


def _count(out: Path) -> int:
    return int(load_borough("Camden", processed=out).offences["offences"].sum())


@pytest.mark.parametrize("names", [("jan.csv", "new.csv"), ("zulu.csv", "alpha.csv")])
def test_two_downloads_of_a_month_count_once_whatever_they_are_called(
    tmp_path: Path, names: tuple[str, str]
) -> None:
    raw, out = tmp_path / "raw", tmp_path / "out"
    write(raw, names[0], STREET, *(street_row(n) for n in range(20)))
    write(raw, names[1], STREET, *(street_row(n) for n in range(30)))
    summary = build(raw, out)
    assert _count(out) == 30  # the larger
    assert len(_found(summary, "of the records compared stand in .* too")) == 1
    assert {r["file"]: r["rows_replaced"] for r in summary.inputs} == {names[0]: 20, names[1]: 0}


def test_a_second_download_that_comes_later_counts_once(tmp_path: Path) -> None:
    raw, out = tmp_path / "raw", tmp_path / "out"
    write(raw, "jan.csv", STREET, *(street_row(n) for n in range(20)))
    build(raw, out)
    write(raw, "again.csv", STREET, *(street_row(n) for n in range(21)))
    build(raw, out)
    assert _count(out) == 21


def test_files_that_share_no_record_both_count(tmp_path: Path) -> None:
    raw, out = tmp_path / "raw", tmp_path / "out"
    write(raw, "a.csv", STREET, *(street_row(n) for n in range(20)))
    write(raw, "b.csv", STREET, *(street_row(n) for n in range(20, 30)))
    assert _found(build(raw, out), "records compared").empty
    assert _count(out) == 30


def test_two_downloads_of_searches_count_once(tmp_path: Path) -> None:
    raw, out = tmp_path / "raw", tmp_path / "out"
    write(raw, "a.csv", SEARCH, *(_search(n) for n in range(1, 20)))
    write(raw, "b.csv", SEARCH, *(_search(n) for n in range(1, 21)))
    build(raw, out)
    assert len(read_table("people/unplaced", out)) == 20


def test_extracts_of_rolling_windows_count_their_shared_months_once(tmp_path: Path) -> None:
    raw, out = tmp_path / "raw", tmp_path / "out"
    for name, months in (("one.csv", range(1, 7)), ("two.csv", range(4, 10))):
        rows = [f"{m}/{n},2024-0{m}-05,8N,20,v{n},Camden" for m in months for n in range(10)]
        write(raw, name, EXTRACT, *rows)
        (raw / name).with_suffix(".mapping.toml").write_text(EXTRACT_MAPPING, encoding="utf-8")
    build(raw, out)
    data = load_borough("Camden", processed=out)
    assert data.offences.groupby("month")["offences"].sum().tolist() == [10] * 9
    assert data.people["people"].sum() == 90


def test_extracts_of_two_boroughs_that_number_alike_both_count(tmp_path: Path) -> None:
    for name in ("Camden", "Barnet"):
        write(
            tmp_path, f"{name}.csv", EXTRACT, *(f"{n},2024-01-05,8N,20,,{name}" for n in range(30))
        )
        (tmp_path / f"{name}.mapping.toml").write_text(EXTRACT_MAPPING, encoding="utf-8")
    assert [record["rows_used"] for record in check_folder(tmp_path).inputs] == [30, 30]


def test_an_extract_that_gives_way_loses_no_more_rows_than_it_has(tmp_path: Path) -> None:
    raw, out = tmp_path / "raw", tmp_path / "out"
    for name, numbers in (("a", range(40)), ("b", range(20)), ("c", range(10, 40))):
        rows = [f"R{n},2024-0{1 + n // 20}-{n % 9 + 1:02d},8N,20,v{n},Camden" for n in numbers]
        write(raw, f"{name}.csv", EXTRACT, *rows, rows[0].replace("v", "w"))  # two victims
        (raw / f"{name}.mapping.toml").write_text(EXTRACT_MAPPING, encoding="utf-8")
    summary = build(raw, out)
    assert [r["rows_used"] for r in summary.inputs] == [
        r["rows_used"] for r in check_folder(raw).inputs
    ]
    assert {r["file"]: (r["rows_used"], r["rows_rejected"]) for r in summary.inputs} == {
        "a.csv": (21, 20),
        "b.csv": (0, 21),
        "c.csv": (21, 10),
    }
    assert read_table("rejects", out).groupby("file", observed=True)["line"].nunique().max() > 20
    assert _count(out) == 40


def test_a_folder_of_which_no_row_can_be_used_says_why(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", EXTRACT, *(f"R{n},soon,8N,20,v{n},Camden" for n in range(9)))
    (tmp_path / "a.mapping.toml").write_text(EXTRACT_MAPPING, encoding="utf-8")
    with pytest.raises(SourceError, match=r"100\.0% of rows are rejected: not a date"):
        check_folder(tmp_path)


def test_extracts_that_share_some_days_of_a_month_are_an_error(tmp_path: Path) -> None:
    for name, days in (("one.csv", range(1, 12)), ("two.csv", range(10, 29))):
        rows = [f"{d},2024-06-{d:02},8N,20,v{d},Camden" for d in days]
        write(tmp_path, name, EXTRACT, *rows)
        (tmp_path / name).with_suffix(".mapping.toml").write_text(EXTRACT_MAPPING, "utf-8")
    found = _found(check_folder(tmp_path), "counted twice")
    assert found[["severity", "file", "rows"]].to_numpy().tolist() == [["error", "two.csv", 2]]
    (tmp_path / "two.csv").unlink()
    assert _found(check_folder(tmp_path), "counted twice").empty


def test_one_record_among_thousands_that_stands_in_two_extracts_is_found(tmp_path: Path) -> None:
    for name, refs in (("one.csv", range(6000)), ("two.csv", range(5999, 12_000))):
        rows = [f"A{n},2024-06-{1 + n % 28:02},8N,20,v{n},Camden" for n in refs]
        write(tmp_path, name, EXTRACT, *rows)
        (tmp_path / name).with_suffix(".mapping.toml").write_text(EXTRACT_MAPPING, "utf-8")
    found = _found(check_folder(tmp_path), "1 of its records stand in one.csv too")
    assert found[["severity", "file", "rows"]].to_numpy().tolist() == [["error", "two.csv", 1]]


def test_files_of_two_forces_or_two_halves_under_one_name_both_count(tmp_path: Path) -> None:
    raw, out = tmp_path / "raw", tmp_path / "out"
    write(raw, "met/2024-01.csv", STREET, *(street_row(n) for n in range(40)))
    write(raw, "city/2024-01.csv", STREET, *(street_row(n) for n in range(40, 70)))
    write(raw, "again/2024-01.csv", STREET, *(street_row(n) for n in range(40, 71)))
    build(raw, out)
    assert _count(out) == 71


def test_files_of_one_borough_each_both_count_and_a_whole_one_takes_their_place(
    tmp_path: Path,
) -> None:
    raw, out = tmp_path / "raw", tmp_path / "out"
    write(raw, "x Brent.csv", f"{BOROUGH},202401", f"{ROBBERY},Brent,7")
    write(raw, "y Camden.csv", f"{BOROUGH},202401", f"{ROBBERY},Camden,5")
    build(raw, out)
    assert read_table("counts", out)["offences"].sum() == 12
    write(raw, "all.csv", f"{BOROUGH},202401", f"{ROBBERY},Brent,8", f"{ROBBERY},Camden,6")
    summary = build(raw, out)
    assert read_table("counts", out)["offences"].sum() == 14
    assert (
        _found(summary, "is not taken: it may be cut short")["severity"].tolist() == ["warning"] * 2
    )


def test_a_newer_file_that_is_cut_short_never_replaces_a_whole_one(tmp_path: Path) -> None:
    raw, out = tmp_path / "raw", tmp_path / "out"
    names = ("Camden", "Brent", "Hackney", "Ealing")
    write(raw, "old.csv", f"{BOROUGH},202401,202402", *(f"{ROBBERY},{n},10,20" for n in names))
    write(raw, "new.csv", f"{BOROUGH},202402,202403", *(f"{ROBBERY},{n},21,30" for n in names[:2]))
    summary = build(raw, out)
    counts = read_table("counts", out).groupby("month")["offences"].sum()
    assert counts.tolist() == [40, 80, 60]
    found = _found(summary, "2024-02: holds a tenth fewer rows than old.csv")
    assert found[["file", "severity"]].to_numpy().tolist() == [["new.csv", "warning"]]


def test_a_file_of_one_category_beside_one_of_all_is_not_called_cut_short(tmp_path: Path) -> None:
    raw, out = tmp_path / "raw", tmp_path / "out"
    robbed = [street_row(n) for n in range(20)]
    stolen = [street_row(n, kind="Other theft") for n in range(20, 60)]
    write(raw, "all.csv", STREET, *robbed, *stolen)
    write(raw, "robbery.csv", STREET, *robbed, street_row(60, month="2024-02"))
    summary = build(raw, out)
    assert _count(out) == 61
    assert _found(summary, "may be cut short").empty
    found = _found(summary, "2024-01: holds 1 of the 2 categories of all.csv, of these 20 there 20")
    assert found[["file", "severity"]].to_numpy().tolist() == [["robbery.csv", "information"]]
    write(raw, "robbery.csv", STREET, *robbed[:12])  # of one category, and cut short as well
    summary = build(raw, out, fresh=True)
    assert len(_found(summary, "may be cut short")) == 1
    assert _count(out) == 60


def test_tables_of_two_layouts_never_add_up_in_a_month_that_both_hold(tmp_path: Path) -> None:
    raw, out = tmp_path / "raw", tmp_path / "out"
    old = [
        f"{ROBBERY},Camden,10,20,30",
        "VIOLENCE AGAINST THE PERSON,VIOLENCE WITH INJURY,Camden,1,2,3",
    ]
    new = [
        f"{ROBBERY},Camden,31,40",
        "VIOLENCE AGAINST THE PERSON,STALKING AND HARASSMENT,Camden,4,5",
    ]
    write(raw, "old.csv", f"{BOROUGH},202401,202402,202403", *old)
    write(raw, "new.csv", f"{BOROUGH},202403,202404", *new)
    build(raw, out)
    table = load_borough("Camden", processed=out).offences
    assert table.groupby("month")["offences"].sum().tolist() == [11, 22, 35, 45]
    write(raw, "robbery.csv", f"{BOROUGH},202403,202404", new[0])  # its layout cannot be told
    build(raw, out)
    table = load_borough("Camden", processed=out).offences
    assert table.groupby("month")["offences"].sum().tolist() == [11, 22, 35, 45]
    assert int(read_table("counts", out)["offences"].sum()) == 113


def test_two_mappings_cannot_name_one_people_file(tmp_path: Path) -> None:
    more = (
        '[people]\nfile = "people.csv"\n[people.columns]\ncrime_ref = "Ref"\nperson_role = "Role"\n'
    )
    write(tmp_path, "people.csv", "Ref,Role", "1,Victim")
    for name in ("one.csv", "two.csv"):
        write(tmp_path, name, EXTRACT, f"1,2024-01-05,8N,20,{name},Camden")
        mapping = (tmp_path / name).with_suffix(".mapping.toml")
        mapping.write_text(EXTRACT_MAPPING + more, encoding="utf-8")
    found = _found(
        check_folder(tmp_path), "people.csv is that of one.csv: people would count twice"
    )
    assert found[["file", "severity"]].to_numpy().tolist() == [["two.csv", "error"]]


@pytest.mark.parametrize(
    ("heading", "words"),
    [("202401,202401", "same heading.*202401"), ("202401,2024 01", "same month.*202401; 2024 01")],
)
def test_two_columns_for_one_month_are_an_error_of_their_file(
    tmp_path: Path, heading: str, words: str
) -> None:
    raw, out = tmp_path / "raw", tmp_path / "out"
    write(raw, "b.csv", f"{BOROUGH},{heading}", f"{ROBBERY},Camden,10,20")
    write(raw, "2024-01-street.csv", STREET, street_row(1))
    found = _found(build(raw, out), words)
    assert found[["file", "severity"]].to_numpy().tolist() == [["b.csv", "error"]]
    assert _count(out) == 1  # the other file loads


def test_a_repeated_heading_of_an_extract_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, "e.csv", f"{EXTRACT},Age", "1,2024-01-05,8N,20,v,Camden,99")
    (tmp_path / "e.mapping.toml").write_text(EXTRACT_MAPPING, encoding="utf-8")
    with pytest.raises(SourceError, match=r"same heading.*: Age"):
        check_folder(tmp_path)


def test_rows_of_one_reference_with_different_codes_are_told(tmp_path: Path) -> None:
    rows = ["7,2024-01-05,8N,20,a,Camden", "7,2024-01-05,5D,30,b,Camden"]
    write(tmp_path, "e.csv", EXTRACT, *rows, "8,2024-01-05,8N,20,c,Camden")
    (tmp_path / "e.mapping.toml").write_text(EXTRACT_MAPPING, encoding="utf-8")
    found = _found(check_folder(tmp_path), "1 references have rows with different")
    assert found["rows"].tolist() == [1]


def test_a_count_below_nought_is_rejected(tmp_path: Path) -> None:
    raw, out = tmp_path / "raw", tmp_path / "out"
    write(raw, "b.csv", f"{BOROUGH},202401", f"{ROBBERY},Camden,-10", f"{ROBBERY},Brent,4")
    build(raw, out)
    rejects = read_table("rejects", out)
    assert rejects[["line", "value", "reason"]].to_numpy().tolist() == [
        [1, "-10", "A cell holds no count."]
    ]


def test_a_file_that_was_taken_away_is_said_when_the_store_is_built(tmp_path: Path) -> None:
    raw, out = tmp_path / "raw", tmp_path / "out"
    for month in ("2024-01", "2024-02"):
        write(raw, f"{month}-street.csv", STREET, *(street_row(n, month=month) for n in range(9)))
    build(raw, out)
    (raw / "2024-02-street.csv").unlink()
    done = CliRunner().invoke(app, ["build", "--raw", str(raw), "--processed", str(out)])
    said = " ".join(done.output.split())
    assert "2024-02-street.csv was in the build before and is no longer" in said
    assert "its 9 rows are out" in said
    assert "months withdrawn since the build before: 2024-02" in said
    assert _count(out) == 9


def test_an_extract_under_a_new_name_is_a_new_edition_of_the_one_it_replaces(
    tmp_path: Path,
) -> None:
    raw, out = tmp_path / "raw", tmp_path / "out"
    people = '[people]\nfile = "{}"\n[people.columns]\ncrime_ref = "Ref"\nperson_role = "Role"\n'

    def deliver(name: str, counts: dict[str, int]) -> None:
        rows = [f"{m}/{n},{m}-05,8N,20,,Camden" for m, size in counts.items() for n in range(size)]
        write(raw, f"{name}.csv", EXTRACT, *rows)
        write(raw, f"{name}_people.csv", "Ref,Role", *(f"{r.split(',')[0]},Victim" for r in rows))
        text = EXTRACT_MAPPING.replace('victim_id = "Victim"', "") + people.format(
            f"{name}_people.csv"
        )
        (raw / f"{name}.mapping.toml").write_text(text, encoding="utf-8")

    deliver("spring", {"2024-01": 9, "2024-02": 8})
    build(raw, out)
    for path in raw.iterdir():
        path.unlink()
    deliver("summer", {"2024-01": 9, "2024-02": 11, "2024-03": 7})
    found = _found(build(raw, out), "summer")["finding"].tolist()
    assert found == [
        "summer.csv is taken for a new edition of spring.csv, which is gone: of the same kind, and "
        "months in common.",
        "summer_people.csv is taken for a new edition of spring_people.csv, which is gone: of the same "
        "kind, and months in common.",
        "summer.csv, 2024-02: revised from 8 to 11.",
        "summer.csv: months added since the build before: 2024-03.",
        "summer_people.csv, 2024-02: revised from 8 to 11.",
        "summer_people.csv: months added since the build before: 2024-03.",
    ]
    deliver("other", {"2024-07": 5})  # no month in common: not an edition of anything
    (raw / "summer.csv").unlink()
    (raw / "summer_people.csv").unlink()
    (raw / "summer.mapping.toml").unlink()
    assert _found(build(raw, out), "new edition").empty


def test_a_file_that_only_moved_is_not_missed(tmp_path: Path) -> None:
    raw, out = tmp_path / "raw", tmp_path / "out"
    path = write(raw, "2024-01-street.csv", STREET, street_row(1))
    build(raw, out)
    (raw / "police").mkdir()
    path.rename(raw / "police" / path.name)
    assert _found(build(raw, out), "no longer in the raw folder").empty


def test_a_store_of_other_code_is_built_anew(tmp_path: Path) -> None:
    raw, out = tmp_path / "raw", tmp_path / "out"
    write(raw, "2024-01-street.csv", STREET, street_row(1))
    build(raw, out)
    assert build(raw, out).said.startswith("Nothing has changed")
    state = read_json(out / "store.json")
    version, _, definition = state["rules"].split(" ")
    write_json({**state, "rules": f"{version} 0123456789ab {definition}"}, out / "store.json")
    assert build(raw, out).said.startswith("Wrote")
    assert read_json(out / "store.json")["rules"] == state["rules"]


def _borough_table(raw: Path, name: str, *rows: str, months: str = "202401,202402") -> Path:
    return write(raw, name, f"{BOROUGH},{months}", *rows)


def test_a_new_edition_of_a_table_under_another_name_is_not_called_lost(tmp_path: Path) -> None:
    raw, out = tmp_path / "raw", tmp_path / "out"
    first = _borough_table(raw, "jan.csv", f"{ROBBERY},Camden,40,50", f"{ROBBERY},Brent,4,5")
    build(raw, out)
    first.unlink()
    rows = (f"{ROBBERY},Camden,40,52,60", f"{ROBBERY},Brent,4,5,6")
    _borough_table(raw, "feb.csv", *rows, months="202401,202402,202403")
    summary = build(raw, out)
    assert _found(summary, "no longer in the raw folder").empty
    assert len(_found(summary, "feb.csv is taken for a new edition of jan.csv")) == 1
    assert len(_found(summary, "2024-02: revised from 55 to 57")) == 1
    (raw / "feb.csv").unlink()  # the next is of one borough, so that rows are lost
    _borough_table(raw, "camden.csv", rows[0], months="202401,202402,202403")
    assert len(_found(build(raw, out), "feb.csv was in the build before and is no longer")) == 1


def test_figures_of_a_file_that_is_not_taken_are_no_revision(tmp_path: Path) -> None:
    raw, out = tmp_path / "raw", tmp_path / "out"
    rows = [f"{ROBBERY},{name},40,50" for name in ("Camden", "Brent", "Barnet", "Ealing")]
    _borough_table(raw, "whole.csv", *rows)
    build(raw, out)
    _borough_table(raw, "cut.csv", f"{rows[0]},60", months="202401,202402,202403")
    summary = build(raw, out)
    assert len(_found(summary, "it may be cut short")) == 1
    assert _found(summary, "revised from").empty
    assert len(_found(summary, "months added since the build before: 2024-03")) == 1


def test_a_file_renamed_withdraws_no_month(tmp_path: Path) -> None:
    raw, out = tmp_path / "raw", tmp_path / "out"
    for month in ("2024-01", "2024-02"):
        write(raw, f"{month}-metropolitan-street.csv", STREET, street_row(1, month=month))
    build(raw, out)
    (raw / "2024-02-metropolitan-street.csv").rename(raw / "february.csv")
    assert _found(build(raw, out), "withdrawn|no longer").empty


def test_a_mapping_and_a_definition_that_changed_are_told(tmp_path: Path) -> None:
    raw, out = tmp_path / "raw", tmp_path / "out"
    write(raw, "e.csv", EXTRACT, "1,2024-01-05,8N,20,a,Camden")
    (raw / "e.mapping.toml").write_text(EXTRACT_MAPPING, encoding="utf-8")
    build(raw, out)
    text = EXTRACT_MAPPING.replace("recorded_date", "committed_from")
    (raw / "e.mapping.toml").write_text(text, encoding="utf-8")
    summary = build(raw, out)
    assert len(_found(summary, "e.csv: its mapping changed since the build before")) == 1
    assert _found(summary, "definition changed").empty
    state = read_json(out / "store.json")
    version, code, _ = state["rules"].split(" ")
    write_json({**state, "rules": f"{version} {code} 0123456789ab"}, out / "store.json")
    said = _found(build(raw, out), "The definition changed")["finding"].item()
    assert said.startswith("The definition changed since the build before (london_2023, hash 0123")
    other = _found(build(raw, out, profile="kingston_plus"), "The definition changed")
    assert "kingston_plus" in other["finding"].item()  # though it bands by the same rules
    assert read_json(out / "store.json")["profile"] == "kingston_plus"
