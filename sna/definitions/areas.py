"""Names of boroughs."""

import difflib
import re
from functools import cache

from sna.definitions.tables import borough_aliases, boroughs
from sna.errors import UsageError

_FRILLS = re.compile(
    r"\b(london borough of|royal borough of|the|lb of|borough of|council)\b|[^a-z0-9&]+"
)


def _key(text: str) -> str:
    return " ".join(_FRILLS.sub(" ", str(text).casefold().replace("&", " and ")).split())


@cache
def _lookup() -> dict[str, tuple[str, str]]:
    names = dict(boroughs()[["borough_code", "borough_name"]].itertuples(index=False, name=None))
    found = {_key(text): (code, name) for code, name in names.items() for text in (code, name)}
    for alias, code, _ in borough_aliases().itertuples(index=False, name=None):
        found[_key(alias)] = (code, names.get(code, ""))
    return found


def find_borough(text: str) -> tuple[str, str]:
    """Return the code and official name of a borough given by code, name or known spelling.

    An unknown name, or a pseudo-borough (an airport, ``Unknown``), raises `UsageError`.

    >>> find_borough("Kingston")
    ('E09000021', 'Kingston upon Thames')
    """
    found, key = _lookup(), _key(text)
    if found.get(key, ("", ""))[0]:
        return found[key]
    if key in found:
        what, do = f"{text!r} is not a borough.", "Its offences stay in the reconciliation table."
    else:
        near = difflib.get_close_matches(key, [k for k, v in found.items() if v[0]], n=1)
        do = f"Did you mean {found[near[0]][1]}?" if near else "Give a name or an E09 code."
        what = f"Borough {str(text)[:60]!r} is not known."
    raise UsageError(what, where="sna/definitions/boroughs.csv", do=do)
