"""Names of boroughs."""

import difflib
import re
from functools import lru_cache

from sna.definitions.tables import borough_aliases, boroughs
from sna.errors import UsageError

_FRILLS = re.compile(
    r"\b(london borough of|royal borough of|the|lb of|borough of|council)\b|[^a-z0-9&]+"
)


def _key(text: str) -> str:
    spaced = _FRILLS.sub(" ", str(text).casefold().replace("&", " and "))
    return " ".join(spaced.split())


@lru_cache(maxsize=1)
def _lookup() -> tuple[dict[str, tuple[str, str]], set[str]]:
    """Map every normalised code, name and alias to (code, name), and list the pseudo-boroughs."""
    names = dict(boroughs()[["borough_code", "borough_name"]].itertuples(index=False, name=None))
    found = {_key(text): (code, name) for code, name in names.items() for text in (code, name)}
    pseudo = set()
    for alias, code, kind in borough_aliases().itertuples(index=False, name=None):
        if kind == "pseudo":
            pseudo.add(_key(alias))
        else:
            found[_key(alias)] = (code, names[code])
    return found, pseudo


def find_borough(text: str) -> tuple[str, str]:
    """Return the code and official name of a borough given by code, name or known spelling.

    A pseudo-borough (an airport, ``Unknown``) is not a borough and is refused.

    Parameters
    ----------
    text
        GSS code or name, in any case.

    Returns
    -------
    tuple of str
        ``(borough_code, borough_name)``.

    Raises
    ------
    UsageError
        When nothing matches; the message suggests the nearest name.

    Examples
    --------
    >>> find_borough("kingston & surbiton".split(" &")[0])
    ('E09000021', 'Kingston upon Thames')
    """
    found, pseudo = _lookup()
    key = _key(text)
    if key in found:
        return found[key]
    if key in pseudo:
        what, do = f"{text!r} is not a borough.", "Its offences stay in the reconciliation table."
    else:
        near = difflib.get_close_matches(key, list(found), n=1, cutoff=0.6)
        names = f"Did you mean {found[near[0]][1]}?" if near else "Give a name or an E09 code."
        what, do = f"Borough {str(text)[:60]!r} is not known.", names
    raise UsageError(what, where="sna/definitions/boroughs.csv", do=do)
