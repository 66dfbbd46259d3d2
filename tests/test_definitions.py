import pytest

from sna import definitions
from sna.errors import UsageError


def test_every_table_is_fresh_at_each_call():
    first = definitions.boroughs()
    first.loc[0, "borough_name"] = "changed"
    assert definitions.boroughs().loc[0, "borough_name"] == "City of London"


def test_there_are_33_boroughs_on_33_tiles():
    boroughs = definitions.boroughs()
    assert boroughs["borough_code"].is_unique
    assert len(boroughs) == 33
    assert not boroughs.duplicated(["tile_row", "tile_column"]).any()
    # source: ONS statistical Inner London has 14 areas with the City
    assert boroughs["inner_outer"].value_counts().to_dict() == {"outer": 19, "inner": 14}
    # source: twelve Basic Command Units; the City has its own force
    assert boroughs.loc[boroughs["bcu"] != "", "bcu"].nunique() == 12


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("E09000017", "E09000017"),
        ("hillingdon", "E09000017"),
        ("Barking & Dagenham", "E09000002"),
        ("City of Westminster", "E09000033"),
        ("Kingston Upon Thames", "E09000021"),
        ("London Borough of Richmond upon Thames", "E09000027"),
        ("  CITY OF LONDON ", "E09000001"),
    ],
)
def test_find_borough_takes_codes_names_and_spellings(text, code):
    assert definitions.find_borough(text)[0] == code


def test_find_borough_suggests_on_a_typo_and_refuses_an_airport():
    with pytest.raises(UsageError, match="Did you mean Hillingdon"):
        definitions.find_borough("Hilingdon")
    with pytest.raises(UsageError, match="is not a borough"):
        definitions.find_borough("London Heathrow and London City Airports")


def test_ethnic_labels_are_unique_in_a_scheme_and_observation_has_no_mixed():
    groups = definitions.ethnic_groups()
    assert not groups.duplicated(["scheme", "label"]).any()
    assert (groups["scheme"] == "census_19").sum() == 19
    observed = groups.loc[groups["scheme"] == "officer_observed", "ethnic_group"]
    assert "Mixed" not in set(observed)


def test_breaks_hold_dates_in_order():
    breaks = definitions.breaks()
    assert breaks["start"].notna().all()
    assert breaks["start"].is_monotonic_increasing
    assert (breaks["end"].dropna() >= breaks.loc[breaks["end"].notna(), "start"]).all()


def test_standard_population_adds_to_a_hundred_thousand():
    # source: Eurostat, European Standard Population 2013
    assert definitions.standard_population()["esp2013"].sum() == 100_000
