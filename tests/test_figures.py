import base64
import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from tables import table

from sna.charts import base, forms
from sna.charts.svg import to_svg
from sna.disclosure.protected import ProtectedTable
from sna.errors import QualityError, UsageError
from sna.figures import TABLE_MIME, Figure, Table
from sna.figures.cells import csv_cell, texts
from sna.figures.figure import NUMBER_MARK, RECORD_MIME
from sna.schemas.results import Derived, ResultTable

ALT = "Line chart of recorded offences by month, to show the direction over the year."
COLUMNS = {"month": "Month", "offences": "Recorded offences", "rate": "Rate per 1,000 residents"}


def protected(frame=None, flags=None, **more):
    frame = table(
        """
        month   | offences | rate
        2024-04 | 1200     | 4.25
        2024-05 |          |
        2024-06 | 0        | 0.0
        """
    ) if frame is None else frame  # fmt: skip
    blank = pd.DataFrame("", index=frame.index, columns=frame.columns)
    if flags is None:
        blank.loc[1, ["offences", "rate"]] = "[c]"
    shape = ResultTable("shown", "one row a month", ("month",), ("offences",), plain=("rate",))
    given = {
        "contract": shape,
        "table": frame, "flags": blank if flags is None else flags, "edition": "public",
        "borough_name": "Hillingdon", "period": "April to June 2024", "sources": ("extract",),
    }  # fmt: skip
    return ProtectedTable(**{**given, **more})


def draw(shown):
    ax = base.new_axes()
    ax.plot(shown.table["month"], shown.table["offences"], color=base.PALETTE[0], marker="o")
    base.label_ends(ax, [(0, "Hillingdon", base.PALETTE[0]), (1, "London <&>", base.PALETTE[3])])
    return ax


def figure(name="core_by_month", **more):
    given = {
        "title": "Offences fell", "subtitle": "Recorded offences, Hillingdon", "alt": ALT,
        "protected": protected(), "draw": draw, "columns": COLUMNS, "source": "Police records",
    }  # fmt: skip
    return Figure(name, **{**given, **more})


def test_a_figure_without_alt_text_is_a_type_error():
    with pytest.raises(TypeError):
        Figure(
            "core",
            "Title",
            "Subtitle",
            protected=protected(),
            draw=draw,
            columns=COLUMNS,
            source="",
        )
    with pytest.raises(TypeError, match="alt text"):
        figure(alt=" ")


@pytest.mark.parametrize("alt", ["Line chart.", "No description has been provided for this image"])
def test_short_and_placeholder_alt_text_is_refused(alt):
    with pytest.raises(QualityError, match="alt text"):
        figure(alt=alt)


def test_only_protected_tables_are_shown():
    with pytest.raises(TypeError, match="protect"):
        figure(protected=protected().table)


def test_unknown_columns_and_names_that_are_no_identifiers_are_refused():
    with pytest.raises(UsageError, match="columns"):
        figure(columns={"offender": "Offender"})
    with pytest.raises(UsageError, match="lower case"):
        figure(name="../core")


def test_a_small_number_below_nothing_has_no_minus_sign():
    frame = pd.DataFrame({"month": ["a", "b"], "season_pct": [-0.004, -0.4]})
    flags = pd.DataFrame("", frame.index, frame.columns)
    shape = ResultTable("shown", "one row a month", ("month",), ())
    shown = texts(protected(frame, flags, contract=shape), ["season_pct"])
    assert [row["season_pct"] for row in shown] == ["0.00", "−0.40"]


def test_the_table_shows_flags_true_zeros_months_and_thousands():
    shown = figure()._repr_html_()
    assert '<th scope="row">April 2024</th><td class="n">1,200</td><td class="n">4.25</td>' in shown
    assert '<th scope="row">May 2024</th><td class="n">[c]</td><td class="n">[c]</td>' in shown
    assert '<th scope="row">June 2024</th><td class="n">0</td><td class="n">0.00</td>' in shown
    before, after = shown.split("<table>")
    assert "[c] " in before and "[c] " not in after
    assert "nan" not in shown.lower().replace("nanu", "")


@pytest.mark.parametrize(
    ("values", "said"), [([8, 44], ["8%", "44%"]), ([8, 5.5], ["8.0%", "5.5%"])]
)
def test_shares_have_decimals_only_where_the_column_needs_them(values, said):
    frame = pd.DataFrame({"month": ["a", "b"], "share": [value / 100 for value in values]})
    whole = (Derived("share", "share", ("offences", "offences")),)
    shape = ResultTable("shown", "one row a month", ("month",), (), derived=whole)
    shown = protected(frame, pd.DataFrame("", frame.index, frame.columns), contract=shape)
    assert [row["share"] for row in texts(shown, ["share"])] == said


def test_the_csv_link_holds_the_same_rows_as_the_table_and_a_byte_order_mark():
    shown = figure()._repr_html_()
    coded = re.search(r"base64,([^\"]+)", shown)[1]
    text = base64.b64decode(coded).decode("utf-8")
    assert text.startswith(
        "\ufeffmonth,offences,rate\r\n2024-04-01,1200,4.25\r\n2024-05-01,[c],[c]"
    )
    assert text.count("\r\n") == shown.count("<tr>") == 4


def test_the_bundle_carries_html_text_and_the_table():
    bundle = figure()._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain", TABLE_MIME, RECORD_MIME}
    assert bundle[TABLE_MIME]["csv"] == figure().csv
    assert bundle["text/plain"].startswith("Offences fell\nRecorded offences, Hillingdon\n" + ALT)


def test_svg_is_named_described_the_same_twice_and_free_of_what_others_could_clash_with():
    first, second, other = figure().picture, figure().picture, figure("other").picture
    assert first == second
    assert first.startswith('<svg viewBox="0 0 ') and 'role="img"' in first
    assert 'aria-labelledby="core_by_month-title core_by_month-desc"' in first and ALT in first
    assert "London &lt;&amp;&gt;" in first
    ids = re.findall(r' id="([^"]+)"', first)
    assert len(ids) == len(set(ids)) and not set(ids) & set(re.findall(r' id="([^"]+)"', other))
    for word in ("<style", "<metadata", "<!--", "http", "DejaVu", "<script"):
        assert word not in first


def test_no_figure_leaves_global_style_behind_or_opens_pyplot():
    import sys

    import matplotlib as mpl

    before = dict(mpl.rcParams)
    figure().picture  # noqa: B018
    assert dict(mpl.rcParams) == before or sys.modules.get("matplotlib.pyplot")


def test_hostile_text_is_safe_in_html_and_csv():
    words = ["<script>alert(1)</script>", "=cmd|' /C calc'!A0", "rob\u202ebery\x07", "x" * 300]
    frame = pd.DataFrame({"offence": words, "offences": [5, 10, 15, 20]})
    flags = pd.DataFrame("", index=frame.index, columns=frame.columns)
    shown = figure(protected=protected(frame, flags), draw=lambda p: base.new_axes(),
                   columns={"offence": "Offence", "offences": "Offences"})  # fmt: skip
    text = shown._repr_html_()
    assert "<script>" not in text and "&lt;script&gt;" in text
    assert "\u202e" not in text and "\x07" not in text and "robbery" in text
    assert "\r\n'=cmd" in shown.csv


@pytest.mark.parametrize("text", ["=1+1", "+1", "-a", "@SUM(A1)", "\t=1", "\r=1", " =1"])
def test_formulas_are_quoted_in_csv_and_numbers_are_not(text):
    assert str(csv_cell(text)).startswith("'")
    assert csv_cell("-1.5") == "-1.5"


def test_an_empty_table_says_so():
    empty = protected().table.iloc[:0]
    flags = pd.DataFrame(columns=empty.columns)
    shown = Table("core", "Title", "Robbery in 2024", protected(empty, flags), COLUMNS, "Records")
    assert "Nothing recorded: Robbery in 2024" in shown._repr_html_()
    assert 'class="sna-block sna-table"' in shown._repr_html_()
    for part in ("<table>", "Download CSV", NUMBER_MARK):  # nothing to fetch, nothing to number
        assert part not in shown._repr_html_()


def test_a_number_of_a_small_type_is_shown_without_a_warning():
    frame = pd.DataFrame({"month": ["a"], "offences": [1.0], "rate": [10]}).astype({"rate": "int8"})
    blank = pd.DataFrame("", index=frame.index, columns=["offences"])
    assert protected(frame, blank).shown(0, "rate") == "10"


def test_tiles_say_what_is_withheld_and_write_thousands():
    view = forms.Form(label="month", x="month", value="offences")
    texts = [text.get_text() for text in forms.heat(protected(), view).axes[0].texts]
    assert "[c]" in texts and "1,200" in texts


def test_ends_that_agree_show_both_marks():
    ends = forms.Form(label="month", value="offences", low="offences", high="offences")
    ax = forms.dots(protected(), replace(ends, ends=("certain", "possible"))).axes[0]
    assert sum(line.get_marker() in ("o", "s") and len(line.get_xdata()) for line in ax.lines) == 4


def test_no_line_joins_points_across_a_withheld_one():
    view = forms.Form(x="month", value="rate")
    line, lone = forms.lines(protected(), view).lines[:2]
    assert np.isnan(np.asarray(line.get_ydata(), dtype=float)).tolist() == [False, True, False]
    assert len(lone.get_xdata()) == 2 and lone.get_marker() == "o"  # each stands alone


def test_simulated_numbers_say_so():
    assert "Simulated data" in figure(protected=protected(simulated=True))._repr_html_()
    assert "Simulated data" not in figure()._repr_html_()


def test_a_fifth_category_is_refused():
    assert list(base.colours("abcd").values()) == list(base.PALETTE[:4])
    with pytest.raises(ValueError, match="at most 4"):
        base.colours("abcde")


def test_labels_are_pushed_apart_and_long_ones_cut():
    ax = base.new_axes()
    ax.set_ylim(0, 10)
    base.label_ends(ax, [(5, "a", "#000000"), (5, "b", "#000000")])
    heights = sorted({round(text.xy[1], 3) for text in ax.texts})
    assert len(heights) == 2 and heights[1] - heights[0] > 0.3
    assert base.short("Violence with injury on the street at night", 20) == "Violence with…"


def test_charts_drawn_in_threads_are_those_drawn_one_after_the_other():
    from concurrent.futures import ThreadPoolExecutor

    import matplotlib as mpl

    before, names = dict(mpl.rcParams), [f"chart_{n}" for n in range(12)]
    alone = [figure(name).picture for name in names]
    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(lambda name: figure(name).picture, names)) == alone
    assert dict(mpl.rcParams) == before


def test_words_of_a_chart_are_ten_pixels_high_on_a_phone():
    view = forms.Form(x="month", value="rate", axis="Per 1,000", x_axis="Month")
    with base.style():
        ax = forms.lines(protected(), view)
        texts = [ax.xaxis.label, ax.yaxis.label, *ax.get_xticklabels(), *ax.get_yticklabels()]
        points_wide = 72 * ax.figure.get_size_inches()[0]
        sizes = [text.get_fontsize() for text in texts]
    assert min(sizes) * 360 / points_wide >= 9.99


def test_long_labels_of_tiles_are_folded_so_that_headings_do_not_meet():
    long = "damage attached to a core offence"
    rows = [(label, f"year to March {year}", 7) for label in (long, "core") for year in range(5)]
    frame = pd.DataFrame(rows, columns=["band", "month", "offences"])
    view = forms.Form(label="band", panels="")
    with base.style():
        figure = forms.heat(protected(frame), view)
        figure.draw_without_rendering()
        texts = [text for text in figure.axes[0].texts if text.get_text() == "year to"]
        headings = [text.get_window_extent() for text in texts]
    assert len(headings) == 5
    assert all(one.x1 < other.x0 for one, other in pairwise(headings))


def test_each_line_of_a_folded_name_is_set_flush_by_the_browser():
    frame = pd.DataFrame(
        {"band": ["damage attached to a core offence"], "month": ["year to March"]}
    )
    view = forms.Form(label="band")
    with base.style():
        made = forms.heat(protected(frame.assign(offences=5)), view)
        svg = to_svg(made, "bands", "Bands of offences", ALT)
    found = re.findall(r"text-anchor: (\w+)[^>]*>([^<]+)</text>", svg)
    words = {text: anchor for anchor, text in found}
    assert words["damage attached to a core"] == words["offence"] == "end"
    assert words["year to"] == words["March"] == "middle"


def test_a_chart_of_small_words_keeps_its_width_in_a_box_that_scrolls():
    def small(shown):
        ax = draw(shown)
        ax.text(0.5, 0.5, "few", fontsize=7, transform=ax.transAxes)
        return ax

    html = figure(draw=small)._repr_html_()
    width = int(re.search(r'<svg style="min-width: (\d+)px"', html)[1])
    assert 'class="sna-scroll" role="region" tabindex="0" aria-label="Chart: Offences fell"' in html
    assert width * 7 / float(re.search(r'viewBox="0 0 ([\d.]+)', html)[1]) >= 9.4
    assert "min-width" not in figure()._repr_html_()


def test_many_breaks_are_folded_and_stay_in_the_page():
    breaks = [f"[b] May 202{year}: text {year}" for year in range(4)]
    html = figure(note="A caveat. " + " ".join(breaks))._repr_html_()
    assert (
        '<p class="sna-note">A caveat.</p><details><summary>What changed at each of the 4' in html
    )
    assert html.count("<li>[b] May 202") == 4 and "<li>[b] May 2023: text 3</li>" in html
    assert "<li>[b]" not in figure(note=" ".join(breaks[:2]))._repr_html_()
