"""The store: whole or not at all, damage noticed on loading, and only boroughs it holds."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet as pq
from raw_folder import BOROUGH, STREET, street_row, write

from sna import store
from sna.build import build
from sna.errors import TableError, UsageError
from sna.schemas.arrow import stack
from sna.schemas.store_tables import STORE_TABLES, check_table
from sna.store import load_borough, read_table

ROBBERY = "ROBBERY,ROBBERY OF PERSONAL PROPERTY"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    rows = [street_row(n) for n in range(30)] + [street_row(99, kind="Moonshine")]
    write(folder / "raw", "2024-01-metropolitan-street.csv", STREET, *rows)
    lines = [f"{ROBBERY},Camden,10,20", f"{ROBBERY},Brent,1,2"]
    write(folder / "raw", "b.csv", f"{BOROUGH},202401,202402", *lines)
    build(folder / "raw", folder / "out")
    return folder


@pytest.fixture
def house(built: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built, tmp_path / "house"))


@pytest.mark.parametrize("name", ["offences/E09000007", "counts", "findings", "rejects"])
def test_every_stored_table_keeps_its_contract(built: Path, name: str) -> None:
    frame = read_table(name, built / "out")
    assert len(frame)
    check_table(frame, STORE_TABLES[name.split("/")[0]])


@pytest.mark.parametrize("name", ["offences/E09000007", "counts", "findings"])
@pytest.mark.parametrize("damage", ["changed", "cut", "gone"])
def test_a_damaged_table_is_noticed_when_it_is_loaded(house: Path, name: str, damage: str) -> None:
    path = house / "out" / f"{name}.parquet"
    data = path.read_bytes()
    path.write_bytes(data[:-9] + b"x" * 9 if damage == "changed" else data[:100])
    if damage == "gone":
        path.unlink()
    with pytest.raises(TableError, match=r"damaged, missing(.|\n)*sna build --fresh"):
        load_borough("Camden", processed=house / "out")


@pytest.mark.parametrize("name", ["store.json", "inputs.json"])
def test_a_broken_record_of_the_store_says_so(house: Path, name: str) -> None:
    path = house / "out" / name
    path.write_text(path.read_text(encoding="utf-8")[:50], encoding="utf-8")
    with pytest.raises(TableError, match=rf"cannot be read(.|\n)*{name}(.|\n)*sna build --fresh"):
        load_borough("Camden", processed=house / "out")
    assert build(house / "raw", house / "out").said.startswith("Wrote")
    assert load_borough("Camden", processed=house / "out").offences["offences"].sum() == 60


def test_a_store_of_another_version_is_to_be_built_again(house: Path) -> None:
    (house / "out/store.json").write_text('{"format": 0}', encoding="utf-8")
    with pytest.raises(UsageError, match="another version"):
        load_borough("Camden", processed=house / "out")


def test_a_borough_that_is_not_held_is_refused_with_those_that_are(built: Path) -> None:
    with pytest.raises(UsageError, match=r"nothing of Hackney(.|\n)*Brent, Camden"):
        load_borough("Hackney", processed=built / "out")
    assert store.list_areas(store.read_state(built / "out")) == ["E09000005", "E09000007"]


@pytest.mark.parametrize("month", ["2024-03", "never"])
def test_a_month_that_is_not_held_is_refused(built: Path, month: str) -> None:
    with pytest.raises(UsageError, match=r"Nothing is held|cannot be read"):
        load_borough("Camden", end_month=month, processed=built / "out")


@pytest.mark.parametrize("month", ["03/04/2024", "2024", "Feb 2024", "202402"])
def test_a_month_that_could_be_read_two_ways_is_refused(built: Path, month: str) -> None:
    with pytest.raises(UsageError, match="Write it as 2025-03"):
        load_borough("Camden", end_month=month, processed=built / "out")


def test_what_is_no_borough_and_no_role_is_refused_in_words(built: Path) -> None:
    with pytest.raises(UsageError, match="by its name or code"):
        load_borough(["Camden"], processed=built / "out")  # type: ignore[arg-type]
    data = load_borough("Camden", processed=built / "out")
    with pytest.raises(UsageError, match=r"no such role(.|\n)*victims(.|\n)*victim, suspect"):
        store.load_people(data, person_role="victims", processed=built / "out")


def test_a_month_before_the_data_is_refused_with_the_first_one(built: Path) -> None:
    with pytest.raises(UsageError, match=r"(?s)Nothing is held for January 1999.*begins in"):
        load_borough("Camden", end_month="1999-01", processed=built / "out")


def test_no_row_after_the_end_month_is_loaded(built: Path) -> None:
    data = load_borough("Camden", end_month="2024-01", processed=built / "out")
    assert data.offences["month"].max() == pd.Timestamp("2024-01-01")
    assert data.counts["month"].max() == pd.Timestamp("2024-01-01")
    assert data.offences["offences"].sum() == 40


def _change(house: Path) -> None:
    lines = [f"{ROBBERY},Camden,10,23", f"{ROBBERY},Brent,1,2"]
    write(house / "raw", "b.csv", f"{BOROUGH},202401,202402", *lines)


@pytest.mark.parametrize(
    "step",
    ["sna.build.parts.store.write_table", "sna.store.write_json", "pyarrow.parquet.write_table"],
)
def test_a_full_disk_leaves_the_old_store_whole(
    house: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def full_disk(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    _change(house)
    with monkeypatch.context() as patch:
        patch.setattr(step, full_disk)
        with pytest.raises(OSError, match="No space"):
            build(house / "raw", house / "out")
    assert load_borough("Camden", processed=house / "out").offences["offences"].sum() == 60
    assert sorted(p.name for p in (house / "out").glob(".*")) == [".lock"]


@pytest.mark.parametrize("moved", [0, 1, 3, 6])
def test_a_build_that_is_killed_while_files_are_put_in_place_is_finished_by_the_next_reader(
    house: Path, monkeypatch: pytest.MonkeyPatch, moved: int
) -> None:
    _change(house)
    real, left = Path.replace, [moved]

    def kill(path: Path, target: Path) -> Path:
        if ".ready" in path.parts:
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
        return real(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", kill)
        with pytest.raises(KeyboardInterrupt):
            build(house / "raw", house / "out")
    assert load_borough("Camden", processed=house / "out").offences["offences"].sum() == 63
    assert json.loads((house / "out/store.json").read_text(encoding="utf-8"))["parts"] == 0


def test_a_build_that_is_killed_before_that_leaves_the_old_store(
    house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill(*_: object) -> None:
        raise KeyboardInterrupt

    _change(house)
    with monkeypatch.context() as patch:
        patch.setattr("sna.build.store.publish", kill)
        with pytest.raises(KeyboardInterrupt):
            build(house / "raw", house / "out")
    assert load_borough("Camden", processed=house / "out").offences["offences"].sum() == 60


def test_a_borough_without_offences_ends_with_the_last_month_of_anything_held() -> None:
    held = [{"last_month": "2023-06"}, {"last_month": None}, {"last_month": "2023-02"}]
    assert store._end_month(None, pd.NaT, held) == pd.Timestamp("2023-06-01")


def test_a_borough_shows_what_it_holds_and_not_every_cell(built: Path) -> None:
    lines = repr(load_borough("Camden", processed=built / "out")).splitlines()
    assert lines[0].startswith("Camden (E09000007) to February 2024: 2 input files, public edition")
    assert lines[1].split() == [".offences", "32", "rows", "mps_borough,", "police_uk_street"]
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize(("rows_of_each", "most"), [(5, 8), (3000, 700)])
def test_tables_are_stacked_under_one_dictionary_of_the_values_that_rows_have(
    rows_of_each: int, most: int
) -> None:
    rng = np.random.default_rng(7)
    tables, texts = [], []
    for _ in range(20):
        words = rng.permutation([f"word {n}" for n in range(most)])[: rng.integers(1, most)]
        often = rng.integers(-1, len(words), rows_of_each)
        codes = np.where(rng.random(rows_of_each) < 0.9, np.minimum(often, 3), often)
        codes = codes.astype("int32")
        hidden = np.where(codes < 0, 99, codes)  # what lies under a null can be anything
        rows = pa.DictionaryArray.from_arrays(
            pa.array(hidden.astype("int32"), mask=codes < 0), pa.array(words), safe=False
        )
        tables.append(pa.table({"word": rows}) if rng.random() < 0.8 else pa.table({"n": codes}))
        texts += [words[code] if code >= 0 else None for code in codes]
        if "word" not in tables[-1].column_names:
            texts[-rows_of_each:] = [None] * rows_of_each
    column = stack(tables)["word"].combine_chunks()
    assert column.to_pylist() == texts
    assert column.dictionary.to_pylist() == list(dict.fromkeys(filter(None, texts)))


def test_a_stored_column_says_whether_anything_is_missing(built: Path) -> None:
    files = [path for path in (built / "out").rglob("*.parquet") if path.stem != "areas"]
    told = [(f, c) for p in files for f, c in zip(pq.read_schema(p), pq.read_table(p), strict=True)]
    assert {field.nullable for field, _ in told} == {True, False}
    assert all(field.nullable == (column.null_count > 0) for field, column in told)
