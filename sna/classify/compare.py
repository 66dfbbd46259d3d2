"""What another version of the definition, or one switch alone, would change."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from sna.classify.bands import prepare, read_under
from sna.classify.counts import origin
from sna.classify.inputs import check_by, check_table, offences_of
from sna.classify.rules import CORE
from sna.classify.words import Reading
from sna.definitions import Profile, profile_ids, read_profile, read_reference, rows_of, switches

BAND_NAMES = read_reference("band_names").set_index("band")["name"]
_READ_AGAIN = ("age_basis", "property_nearby_fallback")  # they change what is read, not the rules


def _readings(
    offences: pd.DataFrame, profiles: Sequence[Profile], people: pd.DataFrame | None
) -> Iterator[Reading]:
    """Read a table under several profiles; it is prepared anew only where one reads other facts."""
    ready = {}
    for profile in profiles:
        key = tuple(profile.switches[name] for name in _READ_AGAIN)
        if key not in ready:
            ready[key] = prepare(offences, profile=profile, people=people)
        yield read_under(profile, ready[key])


def compare_profiles(
    offences: pd.DataFrame,
    a: str | Profile,
    b: str | Profile = "",
    *,
    people: pd.DataFrame | None = None,
    by: Sequence[str] = (),
) -> pd.DataFrame:
    """Count offences by their band under two versions of the definition.

    A flow from one band to another is a change of words, not of violence. One row a pair of bands
    that occurs (and group of ``by``), with ``moves`` where the band differs. Without ``b``, it is
    the text of another borough under which most offences move.

    >>> rows = pd.DataFrame({"offence_code": ["8N"], "victim_age": ["40"], "domestic_abuse": "no"})
    >>> flow = compare_profiles(rows, "london_2023", "all_ages_richmond_wandsworth")
    >>> flow[["band_a", "band_b"]].to_numpy().tolist()
    [['listed_out_of_context', 'core']]
    """
    by = (by,) if isinstance(by, str) else by
    check_table(offences, "Offences", *by)
    check_by(by, "offences", "band_a", "band_b")
    first = read_profile(a)
    second = read_profile(b or _furthest(offences, first, people))
    bands = [reading.bands() for reading in _readings(offences, (first, second), people)]
    keys = {name: offences[name].to_numpy() for name in by}
    sides = dict(zip(("band_a", "band_b"), bands, strict=True))
    frame = pd.DataFrame({**keys, **sides, "offences": offences_of(offences).to_numpy()})
    names = [*by, "band_a", "band_b"]
    flow = frame.groupby(names, observed=True, dropna=False)["offences"].sum().reset_index()
    flow = flow.astype({"band_a": "str", "band_b": "str"})
    ids: dict[str, Any] = {"profile_a": first.id, "profile_b": second.id, "title_b": second.title}
    ids |= {f"name_{side}": flow[f"band_{side}"].map(BAND_NAMES) for side in "ab"}
    kept = {name: value for name, value in origin(offences).items() if name not in by}
    return flow.assign(moves=flow["band_a"] != flow["band_b"], **ids, **kept)


def _count_core(
    offences: pd.DataFrame, profiles: Sequence[Profile], people: pd.DataFrame | None
) -> pd.DataFrame:
    """Count core, core at most and moved rows under several profiles; the first is the base."""
    check_table(offences, "Offences")
    counts, rows, own = offences_of(offences).to_numpy(), [], None
    for reading in _readings(offences, profiles, people):
        mask = reading.of_rows(reading.answer["mask"].to_numpy())
        own = mask if own is None else own
        units = reading.units()
        parts = {"core": units & (mask == CORE), "core_possible": units & ((mask & CORE) > 0)}
        parts["moved"] = mask != own
        sums = {name: int(counts[truth].sum()) for name, truth in parts.items()}
        rows.append({"profile": reading.profile.id, "title": reading.profile.title, **sums})
    table = pd.DataFrame(rows)
    base = {f"{name}_base": table[name].iloc[0] for name in ("core", "core_possible")}
    return table.assign(**base, **origin(offences))


def count_readings(
    rows: pd.DataFrame,
    *,
    profile: str | Profile = "london_2023",
    people: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Count core, and core at most, under the adopted text and every other that ships.

    The adopted one stands first; ``moved`` are the offences whose possible bands differ from it.

    >>> rows = pd.DataFrame({"offence_code": ["8N"], "victim_age": ["40"], "domestic_abuse": "no"})
    >>> count_readings(rows, profile="lewisham_all_ages").loc[[0, 1], ["core", "moved"]].to_numpy()
    array([[1, 0],
           [0, 1]])
    """
    own = read_profile(profile)
    others = [read_profile(name) for name in profile_ids() if name != own.id]
    return _count_core(rows, [own, *(p for p in others if p.status == "adopted")], people)


def _furthest(offences: pd.DataFrame, own: Profile, people: pd.DataFrame | None) -> str:
    """Return the text under which most offences move; whole groups counted are no such text."""
    table = count_readings(offences, profile=own, people=people).iloc[1:]
    texts = table[[read_profile(name).contexts != "subgroups" for name in table["profile"]]]
    return str(texts["profile"].iloc[texts["moved"].argmax()])


def count_sensitivity(
    offences: pd.DataFrame,
    *,
    profile: str | Profile = "london_2023",
    people: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Count core when each switch alone takes each of its other values (a tornado).

    Switches that act on counts alone are left out. One row a ``setting``, in words the ``answer``
    to a ``question``, with ``core``, ``core_possible``, what both are as adopted (``core_base``,
    ``core_possible_base``) and ``moved`` (offences whose possible bands change), the widest change
    of either end first.
    """
    base, words = read_profile(profile), {"true": True, "false": False}
    chosen, names = [base], [{"setting": "", "question": "", "answer": ""}]
    for row in rows_of(switches()):
        pairs = zip(row["allowed"].split("|"), row["answers"].split("|"), strict=True)
        for text, answer in pairs if "band" in row["acts_on"] else ():
            value = words.get(text, text)
            if value != base.switches[row["switch"]]:
                chosen.append(base.with_switches(**{row["switch"]: value}))
                setting = f"{row['switch']} = {text}"
                said = {"question": row["question"], "answer": answer}
                names.append({"setting": setting, **said})
    table = pd.concat([_count_core(offences, chosen, people), pd.DataFrame(names)], axis=1).iloc[1:]
    low, high = ((table[end] - table[f"{end}_base"]).abs() for end in ("core", "core_possible"))
    wide = np.maximum(low, high)
    return table.iloc[np.lexsort((table["setting"], -table["moved"], -wide))].reset_index(drop=True)
