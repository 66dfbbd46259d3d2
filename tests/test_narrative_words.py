"""Wording: the guard, the numbers, the findings."""

from pathlib import Path

import pytest

from sna.errors import QualityError
from sna.narrative import words
from sna.narrative.prose import KeyFindings, Prose

WORDING = (Path(__file__).parents[1] / "docs" / "wording.md").read_text(encoding="utf-8")
SECTION = WORDING.split("## Say, and do not say")[1].split("## Numbers")[0]
PAIRS = [
    tuple(cell.strip() for cell in line.strip("|").split("|"))
    for line in SECTION.splitlines()
    if line.startswith("| ") and not line.startswith("| Say")
]


def test_wording_page_has_examples():
    assert len(PAIRS) >= 10


@pytest.mark.parametrize("pair", PAIRS)
def test_each_example_of_the_wording_page_holds(pair):
    say, never = pair
    assert words.check_words(say) == say
    with pytest.raises(QualityError, match="may not use"):
        words.check_words(never)


@pytest.mark.parametrize(
    "text",
    [
        "Searches rose due to a new unit",
        "This was caused by alcohol",
        "Deprivation causes violence",
        "Poverty explains the difference",
        "The rise is attributed to gangs",
        "Young men are responsible for most offences",
        "Black people are three times as likely to be arrested",
        "White people were less likely to report",
        "The scheme had an effect on robbery and an impact on knife crime: the effect of it",
        "They tend to offend at night",
        "IC3 males",
        "This is racist",
        "There was no difference between the groups",
        "The rate was nan per 1,000",
        "The borough ranked 3 in London",
    ],
)
def test_causal_blaming_and_broken_sentences_are_refused(text):
    with pytest.raises(QualityError, match=r"docs/wording\.md"):
        Prose(text)


def test_limits_beside_one_show_on_which_side_they_lie():
    assert words.format_interval(1.03, 1.44) == "95% interval 1.03 to 1.44"
    assert words.format_interval(0.92, 1.16) == "95% interval 0.92 to 1.16"
    assert words.format_interval(2.1, 2.6) == "95% interval 2.1 to 2.6"
    assert words.format_number(-5.9) == "\N{MINUS SIGN}5.9" and words.format_number(0.999) == "1.0"


def test_definition_words_and_approved_sentences_pass():
    text = "Property violence caused during the commission of a listed offence counts."
    assert str(Prose(text)) == text
    assert str(Prose(words.NOT_DISCRIMINATION)) == words.NOT_DISCRIMINATION


def test_none_of_is_plain_english_and_passes():
    assert words.check_words("None of the wards differs from London.")


def test_prose_escapes_markup_and_refuses_nothing():
    assert Prose("a < b & c")._repr_html_() == "<p>a &lt; b &amp; c</p>"
    with pytest.raises(QualityError, match="empty"):
        Prose("  ")


def test_key_findings_are_at_most_six_single_short_sentences():
    good = "Recorded offences rose."
    with pytest.raises(QualityError, match="1 to 6"):
        KeyFindings((good,) * 7)
    with pytest.raises(QualityError, match="30 words"):
        KeyFindings((" ".join(["word"] * 31) + ".",))
    with pytest.raises(QualityError, match="one sentence"):
        KeyFindings(("One thing. And another.",))
    with pytest.raises(QualityError, match="differ in number"):
        KeyFindings((good,), anchors=("a", "b"))


def test_key_findings_link_to_their_sections():
    page = KeyFindings(("A is higher.", "B is similar."), anchors=("a", ""))._repr_html_()
    assert '<li><a href="#a">A is higher.</a></li><li>B is similar.</li>' in page


def cell(value, flag):
    made = words.Cell(value)
    made.flag = flag
    return made


@pytest.mark.parametrize(
    ("value", "flag", "expected"),
    [
        (1234, "", "1,234 offences"),
        (1, "", "1 offence"),
        (0, "", "no offences"),
        (float("nan"), "[c]", "fewer than 5 offences"),
        (float("nan"), "[x]", "an unknown number of offences"),
    ],
)
def test_format_count(value, flag, expected):
    assert words.format_count(cell(value, flag), "offences") == expected


def test_format_change_follows_the_interval_and_the_counts():
    change = words.format_change
    # source: reporting.md 7.5, a Bexley table: 26 to 37 is no clear change
    assert change(26, 37, "victims", limits=(0.86, 2.35)).endswith("no clear change")
    assert change(400, 300, "offences", limits=(0.64, 0.87)).startswith("fell from 400 to 300")
    assert change(20, 60, "offences", limits=(1.8, 5)) == "rose from 20 to 60 offences"
    assert change(70, 70, "offences") == "stayed at 70 offences"
    hidden = change(cell(float("nan"), "[c]"), 10, "offences")
    assert hidden == "went from fewer than 5 to 10 offences"


@pytest.mark.parametrize(
    ("lower", "upper", "word"),
    [
        (1.1, 2, "higher"),
        (1.0, 2, "similar"),
        (0.5, 1.0, "similar"),
        (0.5, 0.9, "lower"),
        (float("nan"), 2, "not known"),
    ],
)
def test_compare_words_truth_table(lower, upper, word):
    assert words.compare_words(lower, upper, 1) == word


def test_format_ratio_says_too_little_data():
    assert "too little data" in words.format_ratio(float("nan"), reference="White people")


def test_join_words():
    assert words.join_words(["a"]) == "a"
    assert words.join_words([]) == ""
