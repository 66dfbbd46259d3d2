"""Guarded wording: what a sentence may not say, and how numbers are written in one."""

import re
from collections.abc import Sequence

import pandas as pd

from sna.definitions.views import words_of
from sna.errors import QualityError
from sna.rates import compare_words

_WORDING = words_of("wording")
NOT_DISCRIMINATION: str = _WORDING["not_discrimination"]
RECORDED_NOT_OCCURRED: str = _WORDING["recorded_not_occurred"]
NOT_WHY: str = _WORDING["not_why"]
_APPROVED = (NOT_DISCRIMINATION, RECORDED_NOT_OCCURRED, NOT_WHY, *_WORDING["approved"])
_GUARDS = [(re.compile(row["pattern"], re.I), row["say"]) for row in _WORDING["guarded"]]


def check_words(text: str) -> str:
    """Return `text` unchanged; `QualityError` when it explains, blames, ranks or labels people.

    The guard reads words, not meaning: a sentence that passes still needs a second reader. The
    wordings are those of ``docs/wording.md``; approved sentences are exempt.
    """
    rest = text
    for approved in _APPROVED:
        rest = rest.replace(approved, "")
    for guard, instead in _GUARDS:
        if met := guard.search(rest):
            what = f"A sentence uses a wording that reports may not use: {met[0]!r}."
            found = text if len(text) < 200 else f"{text[:200]} …"
            do = f"Say instead: {instead} (docs/wording.md)."
            raise QualityError(what, where="narrative", found=found, do=do)
    return text


class Cell(float):
    """A number with the shorthand that stands beside it, or in its place when it is missing."""

    flag = ""


def is_withheld(value: object) -> bool:
    """Say whether disclosure control took the number of a cell away."""
    return getattr(value, "flag", "") == "[c]"


def format_count(value: float, noun: str = "") -> str:
    """Write a count; one that is withheld is ``fewer than 5``.

    >>> [format_count(1234, "offences"), format_count(1, "people"), format_count(0, "searches")]
    ['1,234 offences', '1 person', 'no searches']
    """
    if pd.isna(value):
        if is_withheld(value):
            return f"fewer than 5 {noun}".strip()
        return f"an unknown number of {noun}" if noun else "an unknown number"
    if noun and value == 0:
        return f"no {noun}"
    word = _WORDING["singular"].get(noun, noun.removesuffix("s")) if value == 1 else noun
    return f"{value:,.0f} {word}".strip()


def format_rate(rate: float, *, of: str = "residents") -> str:
    """Write a rate with its base: ``4.2 per 1,000 residents``, or that it is not reliable."""
    if pd.isna(rate):
        return "a rate too small to show" if is_withheld(rate) else "no reliable rate"
    return f"{format_number(rate)} per 1,000 {of}"


def format_number(value: float) -> str:
    """Write a measurement with as many decimals as it deserves.

    >>> [format_number(x) for x in (1234.5, 12.34, 4.236, 0.4236, 0.00424, 0)]
    ['1,234', '12.3', '4.2', '0.42', '0.0042', '0']
    """
    if value == 0 or abs(value) >= 100:
        text = f"{value:,.0f}"
    elif abs(value) >= 0.995:
        text = f"{value:.1f}"
    else:
        text = f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.2g}"
    return text.replace("-", "\N{MINUS SIGN}", 1)


def format_interval(lower: float, upper: float) -> str:
    """Write the uncertainty of a value: ``95% interval 3.9 to 4.5``."""
    level = "95% interval"
    if pd.isna(lower) or pd.isna(upper):
        return f"{level} not available"
    if upper == float("inf"):
        return f"{level} {format_number(lower)} upwards"
    if 0.1 <= lower < 1.05 and upper < 10:  # beside 1, one decimal would hide the side
        return f"{level} {lower:.2f} to {upper:.2f}"
    return f"{level} {format_number(lower)} to {format_number(upper)}"


def format_share(share: float) -> str:
    """Write a proportion as a whole percentage; never 0% or 100% for a share that is neither.

    >>> [format_share(x) for x in (0.126, 0.003, 0.997, 0, 1)]
    ['13%', 'under 1%', 'over 99%', '0%', '100%']
    """
    if pd.isna(share):
        return "a share too small to show" if is_withheld(share) else "an unknown share"
    if 0 < share < 0.005:
        return "under 1%"
    return "over 99%" if 0.995 <= share < 1 else f"{share * 100:.0f}%"


def format_change(
    earlier: float,
    later: float,
    noun: str = "",
    *,
    limits: tuple[float, float] = (float("nan"), float("nan")),
) -> str:
    """Write a change between two counts, with the verb its uncertainty allows.

    ``limits`` is the interval of the ratio later to earlier: only one that leaves 1 out gives
    ``rose`` or ``fell``. No percentage when the earlier count is under 50.

    >>> format_change(400, 500, "offences", limits=(1.1, 1.4))
    'rose from 400 to 500 offences (25% more)'
    """
    pair = f"from {format_count(earlier)} to {format_count(later, noun)}"
    if pd.isna(earlier) or pd.isna(later):
        return f"went {pair}"
    if earlier == later:
        return f"stayed at {format_count(later, noun)}"
    clear = compare_words(*limits, 1)
    verb = {"higher": "rose", "lower": "fell"}.get(clear, "went")
    tail = ", no clear change" if clear == "similar" else ""
    if earlier < 50 or clear not in ("higher", "lower"):
        return f"{verb} {pair}{tail}"
    more = "more" if later > earlier else "fewer"
    return f"{verb} {pair} ({format_share(abs(later / earlier - 1))} {more})"


def format_ratio(ratio: float, *, reference: str) -> str:
    """Write a rate ratio: ``2.1 times the rate for White people``."""
    if pd.isna(ratio):
        return f"too little data to compare with {reference}{' [c]' * is_withheld(ratio)}"
    return f"{format_number(ratio)} times the rate for {reference}"


def format_period(start: pd.Timestamp, end: pd.Timestamp) -> str:
    """Write a period in months: ``April 2024 to March 2025``."""
    first, last = start.strftime("%B %Y"), end.strftime("%B %Y")
    return first if first == last else f"{first} to {last}"


def join_words(words: Sequence[str], last: str = "and") -> str:
    """Join words as one speaks them: ``A, B and C``."""
    return f" {last} ".join([*([", ".join(words[:-1])] if words[1:] else []), *words[-1:]])
