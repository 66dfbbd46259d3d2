from pathlib import Path

import pandas as pd
import pytest

from sna.classify import classify_offences

PROFILES = [
    "london_2022_draft",
    "london_2023",
    "all_ages_richmond_wandsworth",
    "enfield_contexts",
]


@pytest.fixture(scope="module")
def cases():
    path = Path(__file__).parent / "data" / "definition_truth_table.csv"
    return pd.read_csv(path, dtype=str, keep_default_na=False)


@pytest.mark.parametrize("profile", PROFILES)
def test_every_cell_of_the_truth_table_holds(cases, profile):
    offences = cases.rename(columns={"case_id": "offence_id", "linked_case_id": "linked_id"})
    band = classify_offences(offences, profile=profile)["band"].astype(str)
    wrong = cases.loc[band.ne(cases[profile]), ["case_id", "offence_code", profile, "note"]]
    assert wrong.assign(got=band[wrong.index]).to_dict("records") == []


def test_the_victim_only_reading_of_a_young_suspect_is_out_of_context(cases):
    # source: note of case T04 in the truth table
    offences = cases.rename(columns={"case_id": "offence_id", "linked_case_id": "linked_id"})
    classified = classify_offences(offences).set_index("offence_id")
    assert classified.loc["T04", "victim_only_band"] == "listed_out_of_context"
    assert classified.loc["T04", "band"] == "core"
