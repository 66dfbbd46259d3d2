"""Editions of wards and LSOAs: detected by code, followed where they went whole, said where not."""

from pathlib import Path

import pytest
from raw_folder import STREET, WARD, street_row, write
from tables import table

from sna.build import build
from sna.sources.editions import fit_wards
from sna.store import load_borough, read_table

ROBBERY = "ROBBERY,ROBBERY OF PERSONAL PROPERTY"
# Invented: ward ...901 (2018) is renamed ...951; ...902 is split over ...952 and ...953 (3 of 4 LSOAs).
WARDS_2018 = """LSOA11CD,WD18CD,LAD18CD
E01990001,E05990901,E09000007
E01990002,E05990902,E09000007
E01990003,E05990902,E09000007
E01990004,E05990902,E09000007
E01990005,E05990902,E09000007"""
WARDS_2024 = """LSOA21CD,WD24CD,LAD24CD
E01990001,E05990951,E09000007
E01990002,E05990952,E09000007
E01990003,E05990952,E09000007
E01990004,E05990952,E09000007
E01990015,E05990953,E09000007
E01990016,E05990953,E09000007"""
# LSOA ...5 of 2011 is split in two; ...6 and ...7 are merged into ...17.
LSOAS = """LSOA11CD,LSOA21CD,CHGIND,LAD22CD
E01990001,E01990001,U,E09000007
E01990002,E01990002,U,E09000007
E01990003,E01990003,U,E09000007
E01990004,E01990004,U,E09000007
E01990005,E01990015,S,E09000007
E01990005,E01990016,S,E09000007
E01990006,E01990017,M,E09000007
E01990007,E01990017,M,E09000007"""


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    for name, text in {"w18": WARDS_2018, "w24": WARDS_2024, "lsoa": LSOAS}.items():
        write(tmp_path / "raw", f"{name}.csv", *text.splitlines())
    return tmp_path / "raw"


def _findings(out: Path, file: str) -> str:
    found = read_table("findings", out)
    return " ".join(found.loc[found["file"] == file, "finding"])


def test_best_fit_gives_the_ward_with_most_small_areas_and_how_many_parts() -> None:
    lookup = table("""
        lsoa_2011_code | lsoa_code | ward_code
        none | E01000001 | E05000001
        none | E01000002 | E05000001
        none | E01000003 | E05000001
        none | E01000001 | E05000011
        none | E01000002 | E05000011
        none | E01000003 | E05000012
    """).replace("none", None)
    fits = fit_wards(lookup, {"E05000001": 2018, "E05000011": 2024, "E05000012": 2024})
    assert fits[["ward_code", "into_code", "parts"]].to_numpy().tolist() == [
        ["E05000001", "E05000011", 2]
    ]
    assert fits["share"].tolist() == pytest.approx([2 / 3])


def test_a_lookup_of_lsoas_alone_and_saved_twice_tells_what_was_merged(tmp_path: Path) -> None:
    raw, out = tmp_path / "raw", tmp_path / "out"
    for name, rows in (("old", LSOAS.splitlines()), ("again", LSOAS.splitlines()[:-1])):
        write(raw, f"{name}.csv", *rows)
    write(raw, "street.csv", STREET, street_row(1, lsoa="E01990006"))
    build(raw, out)
    assert "1 merged" in _findings(out, "street.csv")


def test_older_ward_that_went_whole_counts_in_the_new_one_and_a_split_one_stays(
    raw: Path, tmp_path: Path
) -> None:
    rows = [f"{ROBBERY},Old,E05990901,Camden,3", f"{ROBBERY},Split,E05990902,Camden,5"]
    rows += [f"{ROBBERY},New,E05990953,Camden,7", f"{ROBBERY},Lost,E05990999,Camden,9"]
    write(raw, "ward.csv", f"{WARD},202401", *rows)
    build(raw, tmp_path / "out")
    offences = load_borough("Camden", processed=tmp_path / "out").offences
    counts = offences.set_index("ward_code")["offences"].to_dict()
    assert counts == {"E05990951": 3, "E05990902": 5, "E05990953": 7, "E05990999": 9}
    said = _findings(tmp_path / "out", "ward.csv")
    assert "2 of the 2018 edition, 1 of the 2024 edition, 1 of no edition that is here" in said
    assert "1 older wards went whole into one ward of 2024" in said
    assert "2 wards of another edition have no single ward of 2024. 1 were split." in said


def test_lsoa_codes_of_2011_are_followed_one_by_one_and_said(raw: Path, tmp_path: Path) -> None:
    codes = ["E01990001", "E01990005", "E01990006", "E01990007", "E01990016"]
    rows = [street_row(n, lsoa=code) for n, code in enumerate(codes)]
    write(raw, "2022-05-metropolitan-street.csv", STREET, *rows)
    build(raw, tmp_path / "out")
    offences = load_borough("Camden", processed=tmp_path / "out").offences
    pairs = offences.set_index("offence_id")[["lsoa_code", "lsoa_2011_code"]].astype("object")
    pairs = pairs.where(pairs.notna(), None)
    assert pairs.loc["id0"].tolist() == ["E01990001", None]
    assert pairs.loc["id1"].tolist() == [None, "E01990005"]
    assert pairs.loc["id2"].tolist() == ["E01990017", "E01990006"]
    assert pairs.loc["id4"].tolist() == ["E01990016", None]
    said = _findings(tmp_path / "out", "2022-05-metropolitan-street.csv")
    assert "2 merged and counted in their 2021 area (2 rows)" in said
    assert "1 split and counted for the borough only (1 rows)" in said


def test_wards_of_a_store_are_those_of_the_latest_edition(raw: Path, tmp_path: Path) -> None:
    write(raw, "2024-05-metropolitan-street.csv", STREET, street_row(1, lsoa="E01990002"))
    build(raw, tmp_path / "out")
    lookup = read_table("area_lookup", tmp_path / "out")
    editions = lookup.dropna(subset=["ward_code"]).groupby("edition")["ward_code"].nunique()
    assert editions.to_dict() == {2018: 2, 2024: 3}
