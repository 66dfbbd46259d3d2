import re

import pandas as pd
import pytest
from hotspot_fixture import borough

from sna import figures, hotspots, maps, narrative
from sna.charts import base
from sna.charts.svg import to_svg
from sna.definitions import boroughs
from sna.disclosure import ProtectedTable, protect
from sna.schemas.results import ResultTable

HOT = (14, 15, 20, 21)
BUT_FOUR = tuple(place for place in range(36) if place not in HOT)


def protected(data):
    counts = hotspots.count_areas(data)
    return protect(hotspots.find_area_hotspots(counts), contract="hotspot_areas", data=data)


def svg_of(data):
    with base.style():
        ax = maps.map_areas(protected(data), data.areas)
        return to_svg(ax.get_figure(), "map", "Title", "Description of the map")


def test_a_map_names_the_highest_areas_states_its_classes_and_stays_small():
    data = borough(hot=HOT, mean=1.5)
    svg = svg_of(data)
    assert len(svg) < 300_000
    for words in ("hotspot (Gi*)", "similar to the borough", "Per 1,000 residents a year", "km",
                  "Simulated areas", ">N<", "Area 14"):  # fmt: skip
        assert words in svg, words
    assert " areas)" in svg and "under " in svg and " and over" in svg


def test_words_of_a_map_are_ten_pixels_high_on_a_phone():
    """Legend and note were seven or eight; in two columns the legend made the drawing wide."""
    svg = svg_of(borough(hot=HOT, mean=1.5))
    wide = float(re.search(r'viewBox="0 0 ([\d.]+)', svg)[1])
    sizes = {float(size) for size in re.findall(r'font[^;"]*?([\d.]+)px', svg)}
    assert min(sizes) * 328 / wide >= 10  # of 360, less the margins of the page


def test_a_map_stars_the_place_it_is_about_and_outlines_coldspots():
    data = borough(hot=BUT_FOUR, mean=20)
    with base.style():
        ax = maps.map_areas(protected(data), data.areas, "E05000003")
        svg = to_svg(ax.get_figure(), "map", "Title", "Description of the map")
    assert ">★<" in svg and "★ Area 3: " in " ".join(svg.split()) and "coldspot (Gi*)" in svg
    words = str(narrative.describe(protected(data)))
    assert "holds clearly more than chance gives. Clearly fewer" in words and "Area 14" in words
    shown = figures.show(protected(data), data.areas, "E05000014", view="place_map")
    assert "Area 14 has a rate clearly lower than the borough" in shown._repr_html_()


def test_the_same_map_twice_is_the_same_bytes():
    data = borough(hot=HOT, mean=20)
    assert svg_of(data) == svg_of(data)


def test_only_protected_tables_are_mapped():
    data = borough()
    with pytest.raises(TypeError, match="protect"):
        maps.map_areas(pd.DataFrame(), data.areas)
    with pytest.raises(TypeError, match="protect"):
        maps.map_tiles(pd.DataFrame())


def test_withheld_areas_are_hatched_and_areas_without_residents_show_counts():
    assert "not shown" in svg_of(borough(source="extract", mean=0.15))
    data = borough(mean=20)
    data.population = data.population.assign(population=0.0)
    assert "Offences" in svg_of(data)


def test_breaks_are_round_and_split_areas_into_even_classes():
    values = pd.Series(range(100), dtype=float)
    assert maps.class_breaks(values) == [25.0, 50.0, 74.0]
    assert maps.class_breaks(pd.Series([3.0, 3.0])) == []


def test_tiles_print_every_value_and_mark_the_borough():
    shape = ResultTable("tiles", "one row a borough", ("borough_code",), (), plain=("rate",))
    codes = boroughs()["borough_code"]
    table = pd.DataFrame({"borough_code": codes, "rate": [i + 0.5 for i in range(33)]})
    made = ProtectedTable(
        shape, table, pd.DataFrame(index=table.index), "public", "Hackney", "2024", ()
    )
    with base.style():
        figure = maps.map_tiles(made).get_figure()
        svg = to_svg(figure, "tiles", "Tiles", "Tile map of London")
    assert all(f">{i + 0.5}<" in svg for i in range(33))
    assert len(svg) < 60_000
