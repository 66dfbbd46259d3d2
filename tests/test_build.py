"""From raw files to the store: rows add up, overlaps are never added, nothing stops the others."""

import multiprocessing
import pickle
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from raw_folder import BOROUGH, EXTRACT_MAPPING, STREET, WARD, street_row, write

from sna.build import build, check_folder, parts, workers
from sna.errors import SnaError, SourceError
from sna.sources.files import RawFile
from sna.sources.folder import Item
from sna.store import load_borough, read_table

ROBBERY = "ROBBERY,ROBBERY OF PERSONAL PROPERTY"


def _line(summary: object, file: str) -> dict[str, object]:
    return next(r for r in summary.inputs if r["file"].endswith(file))  # type: ignore[attr-defined]


def test_build_loads_one_borough_and_rows_add_up(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    rows = [street_row(n) for n in range(3)] + [street_row(9, lsoa="", name="")]
    write(raw, "2024-01-metropolitan-street.csv", STREET, *rows)
    summary = build(raw, tmp_path / "out")
    line = _line(summary, "street.csv")
    assert (line["rows"], line["rows_used"], line["rows_rejected"]) == (4, 4, 0)
    data = load_borough("Camden", processed=tmp_path / "out")
    assert data.offences["offences"].sum() == 3
    assert data.offences["published_category"].tolist() == ["police.uk | Robbery"] * 3
    assert data.offences["band"].tolist() == ["indeterminate"] * 3
    assert data.end_month == pd.Timestamp("2024-01-01")
    assert read_table("offences/unplaced", tmp_path / "out")["offences"].sum() == 1


def test_build_rejects_unknown_labels_and_bad_months_with_line_and_reason(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    rows = [street_row(1), street_row(2, kind="Moonshine"), street_row(3, month="January")]
    rows += [street_row(n) for n in range(10, 20)]
    write(raw, "a-street.csv", STREET, *rows)
    summary = build(raw, tmp_path / "out")
    assert (_line(summary, "a-street.csv")["rows_used"], summary.partial) == (
        11,
        ["a-street.csv"],
    )
    rejects = read_table("rejects", tmp_path / "out").set_index("value")
    assert rejects.loc["police.uk | Moonshine", "rows"] == 1
    assert rejects.loc["January", "line"] == 3


def test_each_rejected_row_is_a_reject_with_its_line(tmp_path: Path) -> None:
    raw, out = tmp_path / "raw", tmp_path / "out"
    rows = [street_row(n, kind="Moonshine" if n in (2, 4) else "Robbery") for n in range(1, 21)]
    rows[2] = "too,few"
    write(raw, "2024-01-metropolitan-street.csv", STREET, *rows)
    later = [street_row(n) for n in range(1, 25)]
    write(raw, "later/2024-02/2024-01-metropolitan-street.csv", STREET, *later)
    wide = [f"{ROBBERY},Camden,1,2", "SORCERY,SPELLS,Camden,1,2", "SORCERY,SPELLS,Brent,3,4"]
    write(raw, "b.csv", f"{BOROUGH},202401,202402", *wide)
    inputs = build(raw, out).inputs
    rejects = read_table("rejects", out)
    counts = rejects.groupby("file").size().to_dict()
    assert counts == {r["file"]: r["rows_rejected"] for r in inputs if r["rows_rejected"]}
    assert rejects["rows"].eq(1).all()
    lines = {file: sorted(rows) for file, rows in rejects.groupby("file")["line"]}
    assert lines == {"2024-01-metropolitan-street.csv": [*range(1, 21)], "b.csv": [2, 3]}
    assert rejects["reason"].str.startswith("The same month and category stand in").sum() == 17


def test_a_second_download_counts_once_whatever_it_is_called(tmp_path: Path) -> None:
    raw, name = tmp_path / "raw", "2024-01-metropolitan-street"
    write(raw, f"{name}.csv", STREET, street_row(1))
    write(raw, "other name.csv", STREET, street_row(1))  # the same bytes
    write(raw, f"{name} (1).csv", STREET, street_row(2))
    write(raw, f"Copy of {name}.csv", STREET, street_row(3))
    summary = build(raw, tmp_path / "out")
    assert load_borough("Camden", processed=tmp_path / "out").offences["offences"].sum() == 1
    assert summary.findings["finding"].str.contains("same bytes as").sum() == 1
    used = [(r["rows"], r["rows_used"] + r["rows_rejected"]) for r in summary.inputs]
    assert sorted(used) == [(0, 0), (1, 1), (1, 1), (1, 1)]


def test_months_to_come_and_files_of_which_nothing_is_left_are_errors(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    write(raw, "2024-01-street.csv", STREET, street_row(1))
    write(raw, "2090-01-late.csv", STREET, street_row(2, month="2090-01"))
    write(raw, "2024-13-none.csv", STREET, street_row(3, month="2024-13"))
    write(raw, "b.csv", f"{BOROUGH},202401,209001", f"{ROBBERY},Camden,1,2")
    summary = build(raw, tmp_path / "out")
    assert summary.partial == ["2024-13-none.csv", "2090-01-late.csv"]
    assert load_borough("Camden", processed=tmp_path / "out").end_month == pd.Timestamp(2024, 1, 1)
    assert "209001" in " ".join(summary.findings["finding"])
    assert set(read_table("rejects", tmp_path / "out")["reason"]) == {
        "The month lies in the future.",
        "The month cannot be read.",
    }


def test_overlapping_borough_files_take_the_later_one_and_never_add(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    write(raw, "old.csv", f"{BOROUGH},202401,202402", f"{ROBBERY},Camden,10,20")
    write(raw, "new.csv", f"{BOROUGH},202402,202403", f"{ROBBERY},Camden,21,30")
    build(raw, tmp_path / "out")
    rows = load_borough("Camden", processed=tmp_path / "out").offences.sort_values("month")
    assert rows["offences"].tolist() == [10, 21, 30]
    findings = read_table("findings", tmp_path / "out")
    assert findings["finding"].str.contains("a later file is taken instead \\(new.csv\\)").any()


def test_heathrow_ward_is_placed_in_hillingdon_by_its_code(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    write(
        raw, "ward.csv", f"{WARD},202401",
        f"{ROBBERY},Heathrow Villages,E05013570,Aviation Security (SO18),5",
        f"{ROBBERY},Abbey,E05000026,Barking and Dagenham,7",
    )  # fmt: skip
    build(raw, tmp_path / "out")
    assert load_borough("Hillingdon", processed=tmp_path / "out").offences["offences"].sum() == 5


def test_month_given_twice_under_another_folder_counts_once(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    for number, folder in enumerate(("first", "second")):
        write(raw, f"{folder}/2024-01/2024-01-metropolitan-street.csv", STREET, street_row(number))
    summary = build(raw, tmp_path / "out")
    assert load_borough("Camden", processed=tmp_path / "out").offences["offences"].sum() == 1
    assert sum(r["rows_rejected"] for r in summary.inputs) == 1


def test_archive_is_read_without_unpacking_and_unsafe_members_are_refused(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    with zipfile.ZipFile(raw / "archive.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("2024-01/2024-01-met-street.csv", f"{STREET}\n{street_row(1)}\n")
        archive.writestr("../outside.csv", "a,b\n1,2\n")
        archive.writestr("bomb.csv", "0" * (11 << 20))
    summary = build(raw, tmp_path / "out")
    assert [r["rows_used"] for r in summary.inputs] == [1]
    text = " ".join(summary.findings["finding"])
    assert "leads out of it" in text
    assert "200 times its size" in text
    assert sorted(p.name for p in raw.iterdir()) == ["archive.zip"]


def test_simulated_beside_real_files_stops_the_build(tmp_path: Path) -> None:
    write(tmp_path, "simulated/a-street.csv", STREET, street_row(1))
    write(tmp_path, "b-street.csv", STREET, street_row(2))
    with pytest.raises(SourceError, match="lie beside simulated"):
        build(tmp_path, tmp_path / "out")


def test_empty_folder_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is empty"):
        build(tmp_path, tmp_path / "out")


def test_check_says_what_an_unknown_file_is_nearest_to(tmp_path: Path) -> None:
    write(tmp_path, "a-street.csv", STREET, street_row(1))
    write(tmp_path, "odd.csv", "MajorText,MinorText,Somewhere,202401", "A,B,C,1")
    summary = check_folder(tmp_path)
    finding = summary.findings.set_index("file").loc["odd.csv", "finding"]
    assert "Nearest: MPS recorded crime by LSOA; no column for lsoa" in finding
    assert any(line.startswith("Tier of assessment 1") for line in summary.supports)


def _robberies(out: Path) -> list[int]:
    frame = load_borough("Camden", processed=out).offences.sort_values("month")
    return [int(n) for n in frame.groupby("month")["offences"].sum()]


def test_second_build_reads_nothing_and_a_new_month_is_added(tmp_path: Path) -> None:
    raw, out = tmp_path / "raw", tmp_path / "out"
    write(raw, "2024-01-metropolitan-street.csv", STREET, street_row(1))
    build(raw, out)
    before = {p: p.stat().st_mtime_ns for p in out.rglob("*.parquet")}
    assert build(raw, out).said.startswith("Nothing has changed")
    assert before == {p: p.stat().st_mtime_ns for p in out.rglob("*.parquet")}
    rows = [street_row(n, month="2024-02") for n in (2, 3)]
    write(raw, "2024-02-metropolitan-street.csv", STREET, *rows)
    summary = build(raw, out)
    assert _robberies(out) == [1, 2]
    assert [r["rows_used"] for r in summary.inputs] == [1, 2]
    assert read_table("counts", out)["offences"].sum() == 3
    assert summary.findings["finding"].str.contains("months added").any()
    assert _robberies(out) == _robberies(_built_fresh(raw, tmp_path / "fresh"))


def _built_fresh(raw: Path, out: Path) -> Path:
    build(raw, out, fresh=True)
    return out


def test_changed_file_is_read_again_and_the_revision_is_a_finding(tmp_path: Path) -> None:
    raw, out = tmp_path / "raw", tmp_path / "out"
    write(raw, "b.csv", f"{BOROUGH},202401,202402", f"{ROBBERY},Camden,10,20")
    build(raw, out)
    write(raw, "b.csv", f"{BOROUGH},202401,202402", f"{ROBBERY},Camden,10,23")
    findings = build(raw, out).findings["finding"]
    assert findings.str.contains("2024-02: revised from 20 to 23").any()
    assert _robberies(out) == [10, 23]


def test_failed_build_leaves_the_old_store_whole(tmp_path: Path, monkeypatch: object) -> None:
    raw, out = tmp_path / "raw", tmp_path / "out"
    write(raw, "2024-01-metropolitan-street.csv", STREET, street_row(1))
    build(raw, out)

    def full_disk(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    write(raw, "2024-02-metropolitan-street.csv", STREET, street_row(2, month="2024-02"))
    monkeypatch.setattr("sna.store.write_json", full_disk)  # type: ignore[attr-defined]
    with pytest.raises(OSError, match="No space"):
        build(raw, out)
    assert _robberies(out) == [1]
    assert not (out / ".new").exists()


@pytest.mark.parametrize(
    ("name", "content", "finding"),
    [
        ("html.csv", b"<!DOCTYPE html><html>", "web page"),
        ("empty.csv", b"", "empty"),
        ("line.csv", b"x" * 70_000, "No line end"),
        ("cut.parquet", b"PAR1" + b"0" * 50, "Not a readable Parquet"),
        ("cut.gpkg", b"SQLite format 3\0" + b"0" * 200, "Not a readable map file"),
        ("cut.xlsx", b"PK\x03\x04" + b"0" * 200, "Cannot be opened"),
    ],
)
def test_damaged_file_is_a_finding_and_the_others_load(
    tmp_path: Path, name: str, content: bytes, finding: str
) -> None:
    write(tmp_path, "a-street.csv", STREET, street_row(1))
    (tmp_path / name).write_bytes(content)
    summary = check_folder(tmp_path)
    mine = summary.findings[summary.findings["file"] == name]
    assert mine["severity"].tolist() == ["error"]
    assert finding in mine["finding"].iloc[0]
    assert _line(summary, "a-street.csv")["rows_used"] == 1


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_any_encoding_and_line_end_gives_the_same_rows(
    tmp_path: Path, encoding: str, end: str
) -> None:
    rows = [street_row(n).replace("Invented", "Café") for n in range(3)]
    write(tmp_path, "a-street.csv", STREET, *rows, encoding=encoding, end=end)
    assert _line(check_folder(tmp_path), "a-street.csv")["rows_used"] == 3


def test_cut_line_nul_bytes_and_links_out_are_reported(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    path = write(raw, "a-street.csv", STREET, street_row(1), street_row(2), street_row(3))
    data = path.read_bytes().replace(b"id2", b"i\x002")
    path.write_bytes(data[:-60])
    (tmp_path / "outside.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    (raw / "link.csv").symlink_to(tmp_path / "outside.csv")
    summary = check_folder(raw)
    line = _line(summary, "a-street.csv")
    assert (line["rows"], line["rows_used"]) == (3, 1)
    assert summary.findings["finding"].str.contains("leads out of the raw folder").any()
    assert summary.findings["finding"].str.contains("NUL").any()


def test_a_simulated_file_keeps_its_mark_when_it_is_moved():
    from sna.sources.folder import is_simulated

    raw = Path("raw")
    assert is_simulated(raw, "simulated_record_extract.csv")
    assert is_simulated(raw, "simulated/mps/ward.csv")
    assert not is_simulated(raw, "mps/ward.csv")


def test_findings_of_monthly_files_fold_into_one_row(tmp_path: Path) -> None:
    for month in ("2024-01", "2024-02", "2024-03"):
        rows = [street_row(n, month=month) for n in range(9 if month == "2024-02" else 19)]
        rows.append(street_row(99, month=month, lsoa="", name=""))
        write(tmp_path, f"{month}-metropolitan-street.csv", STREET, *rows)
    found = check_folder(tmp_path).findings
    mine = found[found["finding"].str.contains("have no LSOA")]
    assert mine["rows"].tolist() == [3]
    assert mine["finding"].iloc[0].startswith("In 3 files, at most as in 2024-02-metropolitan")
    assert "10.0% of rows" in mine["finding"].iloc[0]


def test_labels_that_end_begin_or_change_between_editions_are_findings(tmp_path: Path) -> None:
    months = ",".join(f"2024{n:02d}" for n in range(1, 13))
    old, new = "BURGLARY,BURGLARY IN A DWELLING", "BURGLARY,BURGLARY - RESIDENTIAL"
    rows = [f"{ROBBERY},Camden{',5' * 12}", f"{old},Camden{',5' * 5}{',0' * 7}",
            f"{new},Camden{',0' * 5}{',5' * 7}"]  # fmt: skip
    write(tmp_path, "a.csv", f"{BOROUGH},{months}", *rows)
    later = ",".join(f"2025{n:02d}" for n in range(1, 13))
    write(tmp_path, "b.csv", f"{BOROUGH},{later}", rows[0], f"{new},Camden{',5' * 12}")
    found = check_folder(tmp_path).findings
    inside = found[found["finding"].str.startswith("Labels begin or end")]["finding"].iloc[0]
    assert "IN A DWELLING (to 2024-05)" in inside
    assert "RESIDENTIAL (from 2024-06)" in inside
    assert (
        found["finding"]
        .str.contains("a.csv to b.csv: labels that changed.*without .*DWELLING")
        .any()
    )


EXTRACT = "Ref,Date,Code,Age,Victim,Borough"


def _extract(raw: Path, *rows: str) -> None:
    write(raw, "extract.csv", EXTRACT, *rows)
    (raw / "extract.mapping.toml").write_text(EXTRACT_MAPPING, encoding="utf-8")


def test_an_age_is_enough_where_there_is_no_age_band(tmp_path: Path) -> None:
    _extract(tmp_path, *(f"{n},2024-01-0{n},8N,{n + 20},v{n},Hackney" for n in range(1, 9)))
    assert not check_folder(tmp_path).findings["finding"].str.contains("have no age").any()


def test_person_rows_of_an_offence_with_an_unknown_code_add_up(tmp_path: Path) -> None:
    rows = [f"{n},2024-01-05,8N,20,v{n},Hackney" for n in range(200)]
    rows += ["x,2024-01-05,999Z,20,a,Hackney", "x,2024-01-05,999Z,30,b,Hackney"]
    raw, out = tmp_path / "raw", tmp_path / "out"
    _extract(raw, *rows)
    line = _line(build(raw, out), "extract.csv")
    assert line["rows"] == line["rows_used"] + line["rows_rejected"] == 202
    assert read_table("rejects", out)["line"].tolist()[:1] == [201]


def test_a_truncated_extract_is_a_finding_and_too_many_rejects_make_it_partial(
    tmp_path: Path,
) -> None:
    raw, out = tmp_path / "raw", tmp_path / "out"
    rows = [f"{n},2024-01-05,8N,20,v{n},Hackney" for n in range(150)]
    _extract(raw, *rows, "150,2024-01")
    summary = build(raw, out)
    assert summary.findings["finding"].str.contains("last line is cut short").any()
    assert summary.partial == []
    _extract(raw, *rows, *(f"{n},2031-01-05,8N,20,v{n},Hackney" for n in range(900, 903)))
    summary = build(raw, out)
    assert summary.partial == ["extract.csv"]
    worst = summary.findings[summary.findings["severity"] == "error"]["finding"]
    assert worst.tolist() == ["2.0% of rows are rejected: date in the future"]
    assert load_borough("Hackney", processed=out).partial == ("extract.csv",)


def test_another_definition_is_a_finding_of_the_next_build(tmp_path: Path) -> None:
    raw, out = tmp_path / "raw", tmp_path / "out"
    write(raw, "2024-01-metropolitan-street.csv", STREET, street_row(1))
    build(raw, out)
    findings = build(raw, out, profile="london_2022_draft").findings["finding"]
    assert findings.str.contains("changed since the build before .london_2023, hash").any()


def test_large_files_are_read_one_after_another_and_members_of_an_archive_beside_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw, seen = tmp_path / "raw", []
    for month in ("2024-01", "2024-02"):
        write(raw, f"{month}-metropolitan-street.csv", STREET, street_row(1, month=month))
    with zipfile.ZipFile(raw / "archive.zip", "w") as archive:
        for month in ("2024-03", "2024-04"):
            text = f"{STREET}\n{street_row(1, month=month)}\n"
            archive.writestr(f"{month}-metropolitan-street.csv", text)

    def read_some(pairs: Any, *shared: Any) -> Any:
        seen.append([pair[1].name for pair in pairs])
        return parts.read_some(pairs, *shared)

    monkeypatch.setattr(parts, "LARGE_BYTES", 0)
    monkeypatch.setattr("sna.build.read_some", read_some)
    summary = build(raw, tmp_path / "out")
    assert sum(line["rows_used"] for line in summary.inputs) == 4
    assert sorted(map(len, seen)) == [1, 1, 2]  # two members, and the two files together


def test_small_files_of_a_layout_are_set_aside_together_up_to_a_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = {"b-street": 50, "a-search": 30, "c-street": 40, "d-street": 30, "e-empty": 0}
    files = [RawFile(name, tmp_path / name) for name in sizes]
    for file in files:
        file.path.write_bytes(b"x" * sizes[file.file])
    pairs = list(enumerate(Item(file) for file in files))
    monkeypatch.setattr(Item, "facts", property(lambda i: {"layout": i.name.split("-")[1]}))
    monkeypatch.setattr(parts, "BATCH_BYTES", 100)
    found = [[item.name for _, item in batch] for batch in parts.list_batches(pairs)]
    assert found == [["e-empty"], ["a-search"], ["b-street", "c-street"], ["d-street"]]


def _write_nine_months(raw: Path) -> None:
    for number in range(1, 10):
        rows = [street_row(n, month=f"2024-0{number}") for n in range(50)]
        write(raw, f"2024-0{number}-metropolitan-street.csv", STREET, *rows)
    _extract(raw, *(f"{n},2024-01-05,8N,20,v{n},Hackney" for n in range(200)))


def _assert_same_files(one: Path, other: Path) -> None:
    files = {p.relative_to(one) for p in one.rglob("*.parquet")}
    assert files == {p.relative_to(other) for p in other.rglob("*.parquet")}
    for file in [*files, "inputs.json", "store.json"]:
        assert (one / file).read_bytes() == (other / file).read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("large", [parts.LARGE_BYTES, 0])  # of 0 bytes: every file is one
def test_processes_give_the_same_files_as_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, large: int
) -> None:
    _write_nine_months(tmp_path / "raw")
    heading = "LSOA21CD,LSOA21NM,WD24CD,WD24NM,LAD24CD,LAD24NM"
    areas = (
        f"E01000{n:03d},Hackney {n:03d}A,E05009367,A ward,E09000012,Hackney" for n in range(99)
    )
    write(tmp_path / "raw", "lookup.csv", heading, *areas)
    build(tmp_path / "raw", tmp_path / "here")
    monkeypatch.setattr(workers, "PROCESS_BYTES", 0)
    monkeypatch.setattr(parts, "LARGE_BYTES", large)
    build(tmp_path / "raw", tmp_path / "there")
    _assert_same_files(tmp_path / "here", tmp_path / "there")


def test_a_new_month_is_measured_alone_and_a_changed_folder_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw, out, sizes, start = tmp_path / "raw", tmp_path / "out", [], workers.start_workers

    def note(*given: Any, **more: Any) -> Any:
        sizes.append(more["size"])
        return start(*given, **more)

    def whole() -> int:
        return sum(path.stat().st_size for path in raw.glob("*.csv"))

    monkeypatch.setattr("sna.build.start_workers", note)
    _write_nine_months(raw)
    build(raw, out)
    assert sizes == [whole()]
    new = write(raw, "2024-10-metropolitan-street.csv", STREET, street_row(1, month="2024-10"))
    build(raw, out)
    assert sizes[1:] == [new.stat().st_size]
    lines = ["ROBBERY,ROBBERY OF PERSONAL PROPERTY,Camden,10,20"]
    write(raw, "b.csv", f"{BOROUGH},202401,202402", *lines)
    build(raw, out)
    assert sizes[2:] == [whole()]


def test_what_nobody_has_begun_is_done_here_and_everything_once() -> None:
    gate = threading.Event()

    def there(number: int) -> tuple[str, int]:
        gate.wait(60)
        return "there", number

    def here(number: int) -> tuple[str, int]:
        if number == 1:  # the last that is left
            gate.set()
        return "here", number

    with ThreadPoolExecutor(1) as pool:
        tasks = [(pool.submit(there, number), number) for number in range(4)]
        found = list(workers._take_part(tasks, here))
    assert found == [("there", 0), ("here", 1), ("here", 2), ("here", 3)]


def test_work_that_needs_a_value_late_begins_before_it_is_there(tmp_path: Path) -> None:
    value = workers.Awaited(tmp_path / "value")
    sent = pickle.loads(pickle.dumps(value))
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(lambda: sent.upper())
        value.give("here")
        assert asked.result(60) == value.upper() == "HERE"


def test_nobody_waits_for_a_value_longer_than_its_folder_is_there(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(getattr, workers.Awaited(folder / "value"), "upper")
        folder.rmdir()
        assert isinstance(asked.exception(60), FileNotFoundError)


def test_who_waits_here_for_a_value_gets_it_from_a_full_disk_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(*_: object) -> None:
        raise OSError(28, "No space left on device")

    value = workers.Awaited(tmp_path / "value")
    monkeypatch.setattr(Path, "write_bytes", fill)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(lambda: value.upper())
        with pytest.raises(OSError, match="No space"):
            value.give("here")
        assert asked.result(60) == "HERE"


@pytest.mark.parametrize("bytes_of_processes", [workers.PROCESS_BYTES, 0])
def test_a_build_whose_areas_cannot_be_read_ends_with_large_files_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bytes_of_processes: int
) -> None:
    _write_nine_months(tmp_path / "raw")
    monkeypatch.setattr(parts, "LARGE_BYTES", 0)
    monkeypatch.setattr(workers, "PROCESS_BYTES", bytes_of_processes)

    def fail(*_: object) -> None:
        raise OSError("The disk is gone.")

    monkeypatch.setattr("sna.build._finish_areas", fail)
    with pytest.raises(OSError, match="The disk is gone"):
        build(tmp_path / "raw", tmp_path / "out")


@pytest.mark.slow
def test_a_process_that_is_killed_ends_the_build_and_leaves_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw, out = tmp_path / "raw", tmp_path / "out"
    _write_nine_months(raw)
    build(raw, out)
    before = {path: path.read_bytes() for path in out.rglob("*.parquet")}
    monkeypatch.setattr(workers, "PROCESS_BYTES", 0)

    def kill(*_: object) -> None:
        for process in multiprocessing.active_children():
            process.kill()

    with pytest.raises(SnaError, match="A process of the build was ended"):
        build(raw, out, fresh=True, progress=kill)
    assert not multiprocessing.active_children()
    assert before == {path: path.read_bytes() for path in out.rglob("*.parquet")}


@pytest.mark.slow
def test_dask_gives_the_same_files_also_when_a_worker_is_killed(tmp_path: Path) -> None:
    from distributed import LocalCluster

    raw = tmp_path / "raw"
    _write_nine_months(raw)
    build(raw, tmp_path / "here")
    done: list[str] = []
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster:

        def kill_one(name: str, *_: object) -> None:
            done.append(name)
            if len(done) == 2:
                next(iter(cluster.workers.values())).process.process.kill()

        build(raw, tmp_path / "there", scheduler=cluster.scheduler_address, progress=kill_one)
    _assert_same_files(tmp_path / "here", tmp_path / "there")
