import pandas as pd
import pytest
from hotspot_fixture import borough

from sna import figures, hotspots, narrative
from sna.disclosure import protect
from sna.errors import UsageError


def records():
    data = borough(source="extract", mean=0.5, around=None)
    rows = data.offences.loc[data.offences.index.repeat(data.offences["offences"])]
    number = range(len(rows))
    begin = pd.Timestamp("2025-01-06 21:00")  # a Monday
    data.offences = rows.assign(
        offences=1, offence_id=[f"O{i}" for i in number], listed_family="personal_robbery",
        weapon_feature=["knife" if i % 3 == 0 else "none" for i in number],
        committed_from=[begin if i % 2 else pd.NaT for i in number], committed_to=pd.NaT,
    ).reset_index(drop=True)  # fmt: skip
    data.people = pd.DataFrame(
        {"offence_id": data.offences["offence_id"], "person_role": "victim", "people": 1,
         "age": 16.0, "sex": None}
    )  # fmt: skip
    return data


def profile(data, code="E05000014"):
    counts = hotspots.count_areas(data)
    return hotspots.profile_place(data, counts, code), counts


def test_every_aspect_adds_up_to_the_offences_of_the_place():
    data = records()
    table, counts = profile(data)
    whole = counts.areas.set_index("area_code").loc["E05000014", "offences"]
    summed = table.groupby("aspect")["recorded"].sum()
    assert {a: summed[a] for a in ("Quarter", "What", "Weapon", "When", "Victims by age")} == dict.fromkeys(
        ("Quarter", "What", "Weapon", "When", "Victims by age"), whole
    )  # fmt: skip
    assert (table["period_months"] == 3).sum() == 8  # quarters of two years


def test_hours_ages_and_unknown_values_have_rows_of_their_own():
    table, _ = profile(records())
    when = table[table["aspect"] == "When"].set_index("label")["recorded"]
    assert when["not known"] > 0 and when["Monday to Friday, 18–24"] > 0
    who = table[table["aspect"] == "Victims by age"]
    assert who["label"].tolist() == ["under 18"] and set(who["sensitivity"]) == {"sensitive"}
    sex = table[table["aspect"] == "Victims by sex"]
    assert sex["label"].tolist() == ["not known"]
    assert not table["aspect"].str.startswith("Suspects").any()


def test_suspects_are_told_apart_from_victims():
    data = records()
    suspects = data.people.iloc[::3].assign(person_role="suspect", age=40.0)
    data.people = pd.concat([data.people, suspects], ignore_index=True)
    table, _ = profile(data)
    who = table[table["aspect"] == "Suspects by age"]
    here = data.offences.loc[data.offences["ward_code"] == "E05000014", "offence_id"]
    assert who["label"].tolist() == ["35–49"]
    assert who["recorded"].sum() == suspects["offence_id"].isin(here).sum() > 0
    assert table[table["aspect"] == "Victims by age"]["label"].tolist() == ["under 18"]


def test_the_neighbours_stand_beside_it():
    table, counts = profile(borough(around=None))
    beside = table[table["aspect"] == "Beside it"]
    assert len(beside) == 8
    assert set(beside["label"]) <= set(counts.areas["area_name"])


def test_the_public_page_hides_small_counts_and_says_what_is_missing():
    data = records()
    shown = protect(profile(data)[0], contract="place_profile", data=data)
    assert not shown.table["recorded"].between(1, 4).any()
    under_18 = shown.table[shown.table["label"] == "under 18"]["recorded"]
    assert under_18.isna().all() or (under_18 >= 10).all()
    words = str(narrative.describe(shown))
    assert "Nothing is known here about suspects by age and outcome" in words
    kinds = figures.show(shown, view="place_kinds")  # its table holds what its chart shows
    assert set(kinds.protected.table["aspect"]) == {"What"}
    whole = shown.table.query("aspect == 'Quarter'")["whole"].iloc[0]
    leading = narrative.key_findings(shown, view="place_findings").sentences[0]
    assert f"had {whole:,.0f} recorded offences" in leading
    for made in (kinds, figures.show(shown)):
        assert "nan" not in made._repr_html_().lower()


def test_restricted_records_of_an_lsoa_give_an_empty_page_in_public():
    data = borough(source="extract", level="lsoa", around=None)
    shown = protect(profile(data, "E01000014")[0], contract="place_profile", data=data)
    assert shown.table.empty
    assert "not shown for an area this small" in str(narrative.describe(shown))
    assert "not shown for an area this small" in figures.show(shown)._repr_html_()


def test_areas_are_found_by_code_or_name_and_shared_names_are_refused():
    shapes = borough().areas
    assert hotspots.find_area(shapes, "e05000003")["area_name"] == "Area 3"
    assert hotspots.find_area(shapes, "Area 3")["area_code"] == "E05000003"
    twice = shapes.assign(area_name="Abbey")
    with pytest.raises(UsageError, match="42 areas are called 'abbey'"):
        hotspots.find_area(twice, "abbey")
    with pytest.raises(UsageError, match="does not lie in Hackney"):
        profile(borough(), "E05000040")
    with pytest.raises(UsageError, match="No areas are called"):
        hotspots.find_area(shapes, "Hoxton")


@pytest.mark.parametrize("month", ["2031-13", "soon"])
def test_a_bad_month_is_a_usage_error_before_any_notebook_runs(monkeypatch, month):
    from sna.reporting import place

    monkeypatch.setattr(place.store, "read_table", lambda *_: borough().areas)
    with pytest.raises(UsageError, match="The last month is not a month") as refused:
        place.render_place("Area 3", end_month=month)
    assert refused.value.exit_code == 2
    assert "2025-03" in str(refused.value)


def test_the_page_of_a_place_reads_the_store_that_sna_toml_names(monkeypatch, tmp_path):
    from sna.reporting import place

    monkeypatch.delenv("SNA_PROCESSED", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sna.toml").write_text('[folders]\nprocessed = "elsewhere"\n', encoding="utf-8")
    with pytest.raises(UsageError) as refused:
        place.render_place("Area 3")
    assert "elsewhere" in str(refused.value)


def test_the_page_of_a_place_takes_month_and_profile_from_sna_toml(monkeypatch, tmp_path):
    from sna.reporting import place

    given = []

    def load(*asked):
        given.extend(asked)
        raise UsageError("enough")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(place.store, "read_table", lambda *_: borough().areas)
    monkeypatch.setattr(place, "load", load)
    (tmp_path / "sna.toml").write_text(
        '[periods]\nend_month = "2025-01"\n[profiles.boroughs]\nHackney = "enfield_contexts"\n',
        encoding="utf-8",
    )
    with pytest.raises(UsageError, match="enough"):
        place.render_place("Area 3")
    assert given[1:4] == ["2025-01", "public", "enfield_contexts"]
