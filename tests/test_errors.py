"""Tests of sna.errors."""

from sna.errors import SnaError, UsageError


def test_an_error_prints_what_where_found_and_do():
    error = UsageError("No such thing.", where="file.csv", found=["a", "b"], do="Mend it.")
    assert str(error).splitlines() == [
        "No such thing.",
        "  where: file.csv",
        "  found: a; b",
        "  do:    Mend it.",
    ]


def test_an_error_shows_five_values_and_counts_the_rest():
    assert SnaError("x", found=range(8)).found == "0; 1; 2; 3; 4; and 3 more"
