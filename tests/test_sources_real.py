"""The whole real sample: every row used or rejected, and figures counted by hand in the raw files."""

import os
import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from data_page import PAGE, make_page
from report_site import house

from sna.sources import recognise
from sna.sources.files import find_files
from sna.sources.layout import Match
from sna.sources.text import sample_file
from sna.store import load_borough, read_table

REAL = Path(os.environ.get("SNA_REAL_DATA", ""))
real = [pytest.mark.real_data,
        pytest.mark.skipif(not os.environ.get("SNA_REAL_DATA"), reason="SNA_REAL_DATA is unset")]  # fmt: skip


def test_data_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == make_page(), "run: python tests/data_page.py"


@pytest.fixture(scope="module")
def store() -> Path:
    return house("real") / "data" / "processed"


@pytest.fixture(scope="module")
def inputs(store: Path) -> pd.DataFrame:
    return pd.DataFrame(load_borough("Hackney", processed=store).inputs).set_index("file")


class TestRealSample:
    pytestmark = real

    def test_every_row_is_used_or_rejected_and_rows_are_those_of_the_list(
        self, inputs: pd.DataFrame
    ) -> None:
        assert (inputs["rows"] == inputs["rows_used"] + inputs["rows_rejected"]).all()
        # source: row counts in the README beside the files
        rows = {"mps/ward/mps_ward_crime_24_months_202401_202512.csv": 18_707,
                "mps/knife_dashboard/mps_knife_dashboard_202203_202602.parquet": 59_431,
                "camden/camden_street_crime_2019_06.csv": 4_075,
                "population/census_2021_age_bands_lsoa_london.csv": 24_970}  # fmt: skip
        assert {name: inputs.loc[name, "rows"] for name in rows} == rows
        city = inputs[inputs.index.str.contains("city-of-london-street")]
        assert (len(city), city["rows_used"].sum()) == (24, 17_340)

    def test_name_and_order_of_columns_do_not_change_what_a_file_is(self) -> None:
        for file in find_files(REAL)[0]:
            for sample in sample_file(file):
                names = tuple(sorted(sample.columns, reverse=True))
                rows, path = sample.rows[list(names)], Path("data.bin")
                turned = replace(sample, file="data.bin", path=path, columns=names, rows=rows)
                here, there = recognise(sample), recognise(turned)
                assert isinstance(here, Match) == isinstance(there, Match), file.file
                if isinstance(here, Match) and isinstance(there, Match):
                    assert (here.layout, here.columns) == (there.layout, there.columns), file.file

    def test_only_the_two_offence_lists_are_not_recognised(self, inputs: pd.DataFrame) -> None:
        unknown = inputs.index[inputs["layout"].eq("")]
        assert sorted(n.split("/")[0] for n in unknown) == ["offence_codes", "offence_codes"]

    def test_city_files_keep_rows_without_place_and_rows_in_other_boroughs(
        self, store: Path, inputs: pd.DataFrame
    ) -> None:
        # source: rows counted in the 24 files with csv and the LSOA name less its last five letters
        mine = inputs.loc[inputs.index.str.contains("city-of-london-street"), "file_id"]
        city = load_borough("City of London", processed=store).offences
        lost = read_table("offences/unplaced", store)
        lost = lost[lost["file_id"].isin(mine)]
        assert city["file_id"].isin(mine).sum() == 17_340 - 1_183 - 768
        assert len(lost[lost["lsoa_code"].isna() & lost["lsoa_2011_code"].isna()]) == 1_183

    def test_ward_file_totals_match_awk_over_the_raw_file(self, store: Path) -> None:
        # source: sum of all month columns; Heathrow 12,630 beside 47,424 in the other wards
        ward = load_borough("Hillingdon", processed=store).offences
        ward = ward[ward["source"] == "mps_ward"]
        airport = ward["ward_code"] == "E05013570"
        assert ward.loc[airport, "offences"].sum() == 12_630
        assert ward.loc[~airport, "offences"].sum() == 47_424

    def test_knife_levels_and_measures_are_kept_apart(self, store: Path) -> None:
        counts = read_table("counts", store)
        knife = counts[counts["source"].eq("mps_dashboard_knife")
                       & counts["published_category"].str.endswith("| Knife Crime")]  # fmt: skip
        total = knife.groupby("area_level", observed=True)["offences"].sum()
        # source: both area types sum to 57,709 knife crimes in the raw file
        assert total.to_dict() == {"borough": 57_709, "ward": 57_709}

    def test_lsoa_editions_are_told_apart_code_by_code(
        self, store: Path, inputs: pd.DataFrame
    ) -> None:
        june = inputs.index.get_loc("police_uk/metropolitan/2023-06-metropolitan-street.csv")
        names = [path.stem for path in (store / "offences").glob("E0*.parquet")]
        rows = pd.concat([read_table(f"offences/{name}", store) for name in names])
        street = rows[rows["source"].eq("police_uk_street")]
        newest = street[street["file_id"].eq(inputs["file_id"].iloc[june])]
        assert newest["lsoa_2011_code"].isna().all()  # source: all 2021 codes from 2023-06
        assert street["lsoa_2011_code"].notna().any()

    def test_overlapping_borough_files_give_each_month_once(self, store: Path) -> None:
        data = load_borough("Hackney", processed=store).offences
        rows = data[data["source"].eq("mps_borough") & data["month"].eq("2023-06-01")]
        assert rows["published_category"].duplicated().sum() == 0
        assert set(rows["file_id"]) == {rows["file_id"].iloc[0]}

    def test_findings_are_folded_and_say_what_the_files_are_known_for(self, store: Path) -> None:
        found = read_table("findings", store)["finding"]
        # source: labels of the 24-month file by month
        assert found.str.contains("BURGLARY IN A DWELLING (to 2024-02", regex=False).any()
        assert len(found) < 60

    def test_rows_that_stand_twice_are_those_that_uniq_finds(self, store: Path) -> None:
        found = read_table("findings", store)
        told = found[found["finding"].str.contains("rows repeat another")]
        rows = {
            (file.split("/")[0], int(rows))
            for file, rows in zip(told["file"], told["rows"], strict=True)
        }
        # source: sort | uniq -d over each file, rows with a Crime ID; 97 of street crime are alike in
        # every column, one more but for its coordinates, which are not read
        assert rows == {("police.uk stop and search", 1_314), ("police.uk outcomes", 439),
                        ("police.uk street crime", 98), ("mps", 745)}  # fmt: skip

    def test_the_page_of_checks_has_the_rows_that_are_read(self, inputs: pd.DataFrame) -> None:
        text = PAGE.with_name("real_data_checks.md").read_text(encoding="utf-8")
        found = re.findall(r"\(`(\w+)`\) \| (\d+) files?, ([\d,]+) rows = ([\d,]+) used", text)
        told = {name: [int(n.replace(",", "")) for n in numbers] for name, *numbers in found}
        read = inputs[inputs["layout"].ne("")].groupby("layout")[["rows", "rows_used"]]
        sums = read.sum().assign(files=read.size())[["files", "rows", "rows_used"]]
        assert told == {name: list(row) for name, *row in sums.itertuples()}

    def test_every_rejected_row_has_its_line(self, store: Path, inputs: pd.DataFrame) -> None:
        rejects = read_table("rejects", store)
        assert rejects.groupby("file").size().to_dict() == (
            inputs.loc[inputs["rows_rejected"] > 0, "rows_rejected"].to_dict()
        )
        assert rejects["line"].gt(0).all()

    def test_a_partnership_outside_london_can_be_loaded(self, store: Path) -> None:
        data = load_borough("Windsor and Maidenhead", processed=store)
        assert data.borough_code == "E06000040"
        # source: total_population of the mid-2020 file for E06000040
        people = read_table("population", store)
        mine = people[people["area_code"].eq("E06000040") & people["population_year"].eq(2020)]
        assert mine["population"].sum() == 151_273
