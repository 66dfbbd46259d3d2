import dataclasses
import json
import os
import re
from datetime import date
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from nbformat import v4
from report_fixture import Borough, notebook

from sna import store
from sna.errors import DisclosureError, QualityError, SnaError, UsageError
from sna.figures.about import row_totals, show_findings, sorted_findings
from sna.reporting import borough as reports
from sna.reporting import notebooks as nb
from sna.reporting.lint import check_pages, lint_page
from sna.reporting.london import render_london
from sna.reporting.pages import Page, arrange, check_executed, render_page, slug, tables_of
from sna.reporting.record import find_headline, front, write_record
from sna.reporting.summary import (
    data_quality_page,
    index_page,
    input_files,
    main_points,
    methods_page,
)
from sna.settings import Settings

TESTS = str(Path(__file__).parent)


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(TESTS).parent))


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A folder with one notebook, a store that answers, and a place for reports."""
    monkeypatch.setattr(
        store,
        "load_borough",
        lambda code, **given: Borough(edition=given["edition"]),
        raising=False,
    )
    monkeypatch.setattr(nb, "notebook_path", lambda name: tmp_path / f"{name}.ipynb")
    nbformat.write(notebook(TESTS), tmp_path / "02_trend.ipynb")
    return tmp_path


def run(house, **more):
    given = {"notebooks": ["02_trend"], "processed": house, "reports": house / "reports"}
    return reports.render_borough("Hillingdon", **{**given, **more})


def output(html="", kind="display_data", **data):
    return v4.new_output(kind, data={**({"text/html": html} if html else {}), **data})


def executed(*outputs):
    return v4.new_notebook(cells=[v4.new_code_cell("x", outputs=list(outputs))])


@pytest.mark.notebook
def test_a_borough_is_published_whole_with_pages_tables_and_record(house):
    before = dict(os.environ)
    folder = run(house)
    assert dict(os.environ) == before  # the kernels were told of this store, nobody after them
    assert folder == house / "reports" / "hillingdon" / "public"
    names = sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )
    assert names == ["02_trend.html", "csv/series.csv", "csv/series.metadata.json",
                     "data_quality.html", "hillingdon_public_data.zip", "index.html",
                     "methods.html", "run.json"]  # fmt: skip
    page = (folder / "02_trend.html").read_text(encoding="utf-8")
    assert page.count("<figure>") == page.count("<table>") == page.count("download=") == 1
    assert "protected_series" not in page and "E09000017" in page
    rows = (folder / "csv" / "series.csv").read_text(encoding="utf-8-sig").splitlines()
    assert len(rows) - 1 == page.count("<tr>") - 1 == 12 and rows[3] == "2024-06-01,[c]"
    assert not list(folder.parent.glob(".public.*"))
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert record["parameters"]["edition"] == "public" and record["inputs"][0]["rows"] == 1000
    assert {entry["path"] for entry in record["outputs"]} == set(names) - {"run.json"}
    assert str(house) not in json.dumps(record)
    first = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for chosen in (["02_trend"], ["03_hotspots_not_there"]):  # run again; keep the last good page
        run(house, notebooks=chosen)
        for path, bytes_before in first.items():
            assert path.name == "run.json" or path.read_bytes() == bytes_before, path


@pytest.mark.notebook
@pytest.mark.parametrize(
    ("cell", "error", "words", "code"),
    [
        ("1 / 0", SnaError, "ZeroDivisionError", 1),
        ('Prose("Seen near SW1A 2AA.")', DisclosureError, "postcode", 4),
    ],
    ids=["a failed notebook", "what the scan refuses"],
)
def test_the_last_good_reports_stay_and_no_half_after(house, cell, error, words, code):
    home = house / "reports" / "hillingdon" / "public"
    home.mkdir(parents=True)
    (home / "index.html").write_text("last good", encoding="utf-8")
    nbformat.write(notebook(TESTS, extra=cell), house / "02_trend.ipynb")
    with pytest.raises(error, match=words) as caught:
        run(house)
    assert caught.value.exit_code == code
    assert [path.name for path in home.iterdir()] == ["index.html"]
    assert not (home.parent / ".public.new").exists()


def test_an_agreement_past_its_date_is_said_on_every_partner_page():
    late = Settings(expired={"extract": date(2026, 3, 31)})
    facts = front(Borough(edition="partner", settings=late))["facts"]
    assert "31 March 2026 has passed; public rules apply" in facts["Agreement for extract"]
    assert "Agreement for extract" not in front(Borough(settings=late))["facts"]


def test_unknown_editions_months_and_reports_are_usage_errors(house):
    with pytest.raises(UsageError):
        run(house, edition="secret")
    with pytest.raises(UsageError, match="2025-03"):
        run(house, end_month="March 2025")
    with pytest.raises(UsageError, match="Did you mean trend"):
        nb.choose_notebooks("trnd")
    assert nb.choose_notebooks("hotspots,trend") == ["02_trend", "03_hotspots"]
    assert not (house / "reports").exists()


def test_parameters_unknown_to_a_notebook_or_missing_are_refused():
    given = dict.fromkeys(nb.PARAMETERS, "")
    nb.check_parameters(notebook(TESTS), given, "02_trend")
    with pytest.raises(UsageError, match="colour"):
        nb.check_parameters(notebook(TESTS), {**given, "colour": "red"}, "02_trend")
    with pytest.raises(UsageError, match="edition"):
        nb.check_parameters(notebook(TESTS), {"borough": ""}, "02_trend")


@pytest.mark.parametrize(
    ("bad", "kind", "words"),
    [
        (
            v4.new_output("error", ename="ValueError", evalue="no", traceback=[]),
            SnaError,
            "ValueError",
        ),
        (v4.new_output("stream", name="stderr", text="careful"), SnaError, "careful"),
        (v4.new_output("stream", name="stdout", text="42"), SnaError, "stdout"),
        (output(**{"image/png": "x"}), QualityError, "image/png"),
    ],
)
def test_outputs_a_page_would_drop_are_refused(bad, kind, words):
    assert tables_of([executed(bad)]) == []  # which come first, and do not hide the cause
    with pytest.raises(kind, match=words):
        check_executed(executed(bad), "notebook x")


def test_a_notebook_that_papermill_calls_failed_is_refused():
    failed = executed(output("<p>fine</p>"))
    failed.metadata["papermill"] = {"exception": True}
    with pytest.raises(SnaError, match="stopped"):
        check_executed(failed, "notebook x")


def test_the_sentence_stands_between_figure_and_table_and_figures_are_numbered():
    from nbformat import NotebookNode

    from sna.figures.figure import NUMBER_MARK, SENTENCE_MARK, TABLE_MIME

    shown = [
        executed(output(f"<figure>{NUMBER_MARK}x</figure>{SENTENCE_MARK}<details></details>",
                        **{TABLE_MIME: {"kind": "figure"}})).cells[0]
        for _ in range(2)
    ]  # fmt: skip
    said = executed(output("<p>Same.</p>")).cells[0]
    made: NotebookNode = arrange(v4.new_notebook(cells=[shown[0], said, shown[1]]))
    texts = [cell.outputs[0].data["text/html"] for cell in made.cells]
    assert texts == ["<figure>Figure 1: x</figure><p>Same.</p><details></details>",
                     "<figure>Figure 2: x</figure><details></details>"]  # fmt: skip


def page(cells, edition="public", **more):
    data = Borough(edition=edition)
    made = Page("x", "Trend", v4.new_notebook(cells=cells))
    return render_page(made, {**front(data, draft="Not approved."), **more}, [made])


CELLS = [
    v4.new_markdown_cell("# Question?\n\nFor whom."),
    v4.new_markdown_cell("## One `thing`\n\nText"),
    v4.new_code_cell("sna.secret(1 < 2)", outputs=[output("<p>Shown.</p>")]),
    v4.new_code_cell("sna.load()", metadata={"tags": ["setup"]}, outputs=[output("<p>Setup</p>")]),
]


def test_the_page_has_language_title_landmarks_contents_and_no_code():
    text = page(CELLS)
    assert lint_page(text) == []
    assert '<html lang="en-GB">' in text
    assert "<title>OFFICIAL: Trend, Hillingdon, latest data March 2025</title>" in text
    assert '<section class="sna-section sna-is-one-thing" aria-labelledby="one-thing">' in text
    assert text.count('<h2 id="one-thing">') == 1
    assert "sna.secret" not in text and "Setup" not in text and "<script" not in text
    assert "Draft." in text and "Simulated data." in text
    assert '@top-center { content: "OFFICIAL"; }' in text


def test_a_section_says_once_why_figures_are_absent_and_they_take_no_number():
    from sna.figures.figure import EMPTY_MARK, NUMBER_MARK, TABLE_MIME

    def cell(html):
        return executed(output(html, **{TABLE_MIME: {"kind": "figure"}})).cells[0]

    one, two = v4.new_markdown_cell("## One"), v4.new_markdown_cell("## Two")
    none = [cell(f"{EMPTY_MARK}<p>No file.</p>") for _ in range(3)]
    shown = cell(f"<figure>{NUMBER_MARK}x</figure>")
    made = arrange(v4.new_notebook(cells=[one, *none[:2], two, none[2], shown]))
    text = "".join(str(cell) for cell in made.cells)
    assert text.count("No file.") == 2 and "Figure 1: x" in text


def test_a_partner_may_unfold_how_it_was_computed():
    text = page(CELLS, edition="partner")
    assert "OFFICIAL-SENSITIVE" in text and "Do not share further" in text
    assert "<code>sna.secret(1 &lt; 2)</code>" in text and lint_page(text) == []


def test_a_partner_edition_names_the_sources_without_an_agreement():
    offences = Borough().offences.assign(source="extract", release_class="restricted")
    data = Borough(edition="partner", offences=offences)
    assert front(data)["facts"]["Agreement for extract"] == "none set; public rules apply"
    assert "Agreement for extract" not in front(Borough(offences=offences))["facts"]


def test_hostile_text_in_headings_and_facts_stays_text():
    text = page(CELLS, place="<script>alert(1)</script>", contact='"><img src=x onerror=y>')
    assert "<script" not in text and "<img" not in text


def test_links_to_places_that_are_not_there_become_text():
    text = page(
        [*CELLS, executed(output('<p><a href="#lost">a</a> <a href="#main">b</a></p>')).cells[0]]
    )
    assert '<p>a <a href="#main">b</a></p>' in text


def test_a_page_that_stands_alone_names_data_quality_without_a_link():
    data = Borough()
    cells = [*CELLS, executed(output(show_findings(data)._repr_html_())).cells[0]]
    alone = page(cells)
    assert "stands on the page Data quality" in alone and "data_quality.html" not in alone
    made, quality = Page("x", "Trend", v4.new_notebook(cells=cells)), data_quality_page(data)
    beside = render_page(made, front(data), [made, quality])
    assert 'href="data_quality.html#all_findings"' in beside


def test_summary_quality_and_methods_pages_pass_the_checks_and_reconcile():
    data = Borough()
    points = '<ul class="key-findings"><li><a href="#x">One.</a></li><li>Two.</li></ul>'
    trend = Page("02_trend", "Trend", executed(output(points)))
    found = main_points([trend, dataclasses.replace(trend, name="y")])
    assert [(str(point["words"]), point["link"]) for point in found] == [
        ("One.", "02_trend.html"), ("One.", "y.html"),
        ("Two.", "02_trend.html"), ("Two.", "y.html"),
    ]  # fmt: skip
    pages = [index_page(data, [trend], []), data_quality_page(data), methods_page(data)]
    texts = [render_page(one, front(data), pages) for one in pages]
    assert [lint_page(text) for text in texts] == [[], [], []]
    assert "2 files were read with 1,500 rows: 1,490 were used and 10 were set aside" in texts[1]
    assert "fewer than 5" in texts[1] and "differ" not in texts[1]
    assert re.search(r"Suspect charged.*<td>March 2025</td>.*>1</td>", texts[1])
    assert "not how common violence is" in texts[1]
    assert "depends on how fully age" in texts[2] and "Counts by ward as the boundaries" in texts[2]
    assert re.search(r"<td>warning</td>.*<td>information</td>", texts[1], re.S)
    assert "under 5 are withheld" in texts[2] and "{{" not in texts[2]


def test_a_borough_without_files_or_findings_still_has_its_pages():
    data = Borough(inputs=(), findings=Borough().findings.iloc[:0])
    pages = [index_page(data, [], []), data_quality_page(data), methods_page(data)]
    texts = [render_page(one, front(data), pages) for one in pages]
    assert [lint_page(text) for text in texts] == [[], [], []]
    assert "Nothing recorded: Made for Hillingdon" in texts[1]


def test_lint_names_what_is_wrong():
    good = page(CELLS)
    for wrong, words in {
        good.replace("en-GB", "en"): "British",
        good.replace("OFFICIAL: ", ""): "marking",
        good.replace("</main>", "<h1>x</h1></main>"): "one h1",
        good.replace("</main>", "<h4>x</h4></main>"): "skips",
        good.replace("</main>", '<p id="main"></p></main>'): "twice: main",
        good.replace("</main>", "<table><tr><th>x</th><td>NaN</td></tr></table></main>"): "NaN",
        good.replace("</main>", "<table><tr><th>x</th><td>None</td></tr></table></main>"): "None",
        good.replace("</main>", "<table><tr><th>x</th></tr></table></main>"): "scope",
        good.replace("</main>", "<table><caption>x</caption></table></main>"): "scroll",
        good.replace("</main>", '<img src="data:," alt="map"></main>'): "text alternative",
        good.replace("</main>", "<svg></svg></main>"): "chart",
        good.replace("</main>", '<img src="https://a.b/c.png"></main>'): "outside",
        good.replace("</main>", "<script></script></main>"): "script",
        good.replace('href="#main"', 'href="#"', 1): "skip link",
    }.items():
        assert any(words in fault for fault in lint_page(wrong)), words


def test_a_page_with_faults_or_lost_links_is_not_published(tmp_path):
    (tmp_path / "x.html").write_text(page(CELLS) + '<a href="gone.html">x</a>', encoding="utf-8")
    with pytest.raises(QualityError, match=r"links to gone\.html"):
        check_pages(tmp_path / "x.html")


def test_reports_survive_a_kill_between_the_two_renames(tmp_path):
    final, old = tmp_path / "public", tmp_path / ".public.old"
    old.mkdir()
    (old / "index.html").write_text("good", encoding="utf-8")
    reports._recover(final)
    assert (final / "index.html").read_text(encoding="utf-8") == "good" and not old.exists()


def test_slugs_are_plain():
    assert slug("What `this` can't <b>tell</b> you?") == "what-this-can-t-tell-you"
    assert slug("???") == "section"


def test_the_headline_of_a_borough_is_what_its_own_table_shows():
    areas = {"contract": "trend_areas", "subtitle": "Core per 1,000 residents",
             "csv": "area,offences,rate,lower_ci\r\nLondon,9,1.2,1.0\r\nHillingdon,[c],[c],[c]\r\n"}  # fmt: skip
    assert find_headline([{"contract": "other", "csv": ""}, areas], "Hillingdon") == {
        "measure": "Core per 1,000 residents", "offences": "[c]", "rate": "[c]",
        "lower_ci": "[c]", "upper_ci": "[x]",
    }  # fmt: skip
    assert find_headline([areas], "Camden") == {}


def test_the_london_index_links_what_is_there_and_names_what_is_not(tmp_path):
    assert render_london(tmp_path) is None
    for place, rate in {"hillingdon": "1.2", "city-of-london": "[c]"}.items():
        folder = tmp_path / place / "public"
        folder.mkdir(parents=True)
        (folder / "index.html").write_text("x", encoding="utf-8")
        head = {"measure": "Core per 1,000", "offences": "10", "rate": rate, "lower_ci": "1.0",
                "upper_ci": "1.4"}  # fmt: skip
        run = {"headline": head, "marking": "OFFICIAL", "simulated": True, "version": "0.1.0",
               "place": place.replace("-", " ").title().replace("Of", "of"),
               "parameters": {"end_month": "2025-03"}}  # fmt: skip
        (folder / "run.json").write_text(json.dumps(run), encoding="utf-8")
    path = render_london(tmp_path)
    text = path.read_text(encoding="utf-8")
    assert path == tmp_path / "index.html" and lint_page(text) == []
    assert text.count('class="sna-made"') == 2 and text.count("no report") == 31
    assert '<a href="hillingdon/public/index.html">Hillingdon <span>1.2</span></a>' in text
    assert "not a ranking" in text
    first = path.read_bytes()
    assert render_london(tmp_path).read_bytes() == first


def test_the_london_index_leaves_out_a_borough_rendered_by_an_older_version(tmp_path):
    folder = tmp_path / "hillingdon" / "public"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text('{"version": "0.0.1"}', encoding="utf-8")
    assert render_london(tmp_path) is None


def test_findings_that_differ_in_numbers_only_stand_together_and_small_ones_are_words():
    found = pd.DataFrame({
        "severity": ["information", *["warning"] * 3], "file": ["a", "b", "c", "d"],
        "finding": ["Fine.", "Stops on 25 May 2024.", "Stops on 3 June 2024.", "Ages missing."],
        "rows": [None, 1, 2, 7], "action": [None] * 4,
    })  # fmt: skip
    files = tuple({"file": name, "release_class": "open"} for name in "abcd")
    for edition, rows in {"public": "fewer than 5", "partner": "3"}.items():
        table = sorted_findings(Borough(findings=found, edition=edition, inputs=files))
        assert table[["file", "finding", "rows"]].to_numpy().tolist() == [
            ["b and 1 more", "Stops on 25 May 2024. (and 1 like it)", rows],
            ["d", "Ages missing.", "7"], ["a", "Fine.", "[z]"],
        ]  # fmt: skip


def test_rows_of_a_restricted_file_are_told_as_its_counts_are(tmp_path):
    files = [
        {"file": name, "sha256": "ab" * 32, "layout": layout, "release_class": kind, "rows": 1237,
         "rows_used": 1234, "rows_rejected": 3, "title": name, "licence": ""}
        for name, layout, kind in [("own.csv", "extract", "person_level"), ("ward.csv", "x", "open")]
    ]  # fmt: skip
    texts = ["2.6% of rows have no age.", "own.csv, 2024-03: revised from 1,237 to 1,239 in 12 wards.",
             "0.2% of rows have no sex.", "3 references stop on 3 June 2024."]  # fmt: skip
    found = pd.DataFrame({"severity": "warning", "file": ["own.csv", None, "own.csv", "own.csv"],
                          "finding": texts, "rows": [31, None, 3, 3], "action": None})  # fmt: skip
    agreed = Settings(agreements={"extract": {"isa_reference": "1", "recipients": ("P",),
                                              "review_date": date(2099, 1, 1)}})  # fmt: skip
    public = Borough(findings=found, inputs=tuple(files))
    partner = dataclasses.replace(public, edition="partner", settings=agreed)
    names = ["rows", "rows_used", "rows_rejected"]
    given = dict.fromkeys(["borough", "end_month", "edition", "profile"], "x")
    run_facts = {"parameters": given, "draft": "", "checks": "", "disclosure": {}}
    for data, own in ((public, [1235, 1235, 5]), (partner, [1237, 1234, 3])):
        rows = input_files(data)[names].to_numpy().tolist()
        assert rows == [own, [1237, 1234, 3]]
        assert [row_totals(data)[name] for name in names] == [
            sum(p) for p in zip(*rows, strict=True)
        ]
        write_record(tmp_path, data, {}, **run_facts)
        record = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
        assert [[i[name] for name in names] for i in record["inputs"]] == rows
    assert sorted_findings(public)[["finding", "rows"]].to_numpy().tolist() == [
        ["3% of rows have no age.", "30"],
        ["own.csv, 2024-03: revised from 1,235 to 1,240 in 10 wards.", "[z]"],
        ["Few rows have no sex.", "fewer than 5"],
        ["fewer than 5 references stop on 3 June 2024.", "fewer than 5"],
    ]
    assert sorted_findings(partner)["finding"].tolist() == texts


def test_tables_of_one_name_are_kept_apart_unless_they_are_the_same():
    from sna.figures.figure import TABLE_MIME

    books = [executed(output("x", **{TABLE_MIME: {"name": "rates", "csv": csv}})) for csv in "aba"]
    assert [(t["name"], t["csv"]) for t in tables_of(books)] == [("rates", "a"), ("rates_2", "b")]
