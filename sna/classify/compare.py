"""What another version of the definition, or one switch alone, would change."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sna.classify.bands import ADDED, Prepared, Reading, prepare, read_under
from sna.classify.bounds import origin, release_class
from sna.classify.rules import BAND_OF_MASK, CORE
from sna.definitions import Profile, read_profile
from sna.definitions import switches as switch_table
from sna.schemas.store_tables import BANDS

_READ_AGAIN = ("age_basis", "property_nearby_fallback")  # they change what is read, not the rules


def _read(
    offences: pd.DataFrame, people: pd.DataFrame | None, profile: Profile, ready: Prepared,
    first: Profile,
) -> Reading:  # fmt: skip
    same = all(profile.switches[name] == first.switches[name] for name in _READ_AGAIN)
    prepared = ready if same else prepare(offences, profile=profile, people=people)
    return read_under(profile, prepared)


def _counts(offences: pd.DataFrame) -> np.ndarray:
    if "offences" not in offences:
        return np.ones(len(offences), dtype=np.int64)
    return offences["offences"].to_numpy(dtype="int64")


def compare_profiles(
    offences: pd.DataFrame,
    a: str | Profile,
    b: str | Profile,
    *,
    people: pd.DataFrame | None = None,
    by: Sequence[str] = (),
) -> pd.DataFrame:
    """Count offences by their band under two versions of the definition.

    A flow from one band to another is a change of words, not of violence. One row a pair of bands
    that occurs (and group of ``by``), with ``moves`` where the band differs.

    >>> rows = pd.DataFrame({"offence_code": ["8N"], "victim_age": ["40"], "domestic_abuse": "no"})
    >>> flow = compare_profiles(rows, "london_2023", "all_ages_richmond_wandsworth")
    >>> flow[["band_a", "band_b"]].to_numpy().tolist()
    [['listed_out_of_context', 'core']]
    """
    plain = offences.drop(columns=[name for name in ADDED if name in offences])
    first, second = read_profile(a), read_profile(b)
    ready = prepare(plain, profile=first, people=people)
    bands = {}
    for name, profile in (("band_a", first), ("band_b", second)):
        reading = _read(plain, people, profile, ready, first)
        codes = BAND_OF_MASK[reading.answer.mask][reading.coded.rows]
        bands[name] = pd.Categorical.from_codes(codes.astype(np.int8), categories=pd.Index(BANDS))
    keys = {name: plain[name].to_numpy() for name in by}
    frame = pd.DataFrame({**keys, **bands, "offences": _counts(plain)})
    names = [*by, "band_a", "band_b"]
    flow = frame.groupby(names, observed=True, dropna=False)["offences"].sum().reset_index()
    flow = flow.astype({"band_a": "str", "band_b": "str"})
    return flow.assign(
        profile_a=first.id, profile_b=second.id, moves=flow["band_a"] != flow["band_b"],
        release_class=release_class(offences),
    )  # fmt: skip


def count_bands_under(
    offences: pd.DataFrame, profiles: Sequence[Profile], *, people: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Count core, core at most and moved rows under several profiles; the first is the base."""
    plain = offences.drop(columns=[name for name in ADDED if name in offences])
    counts, rows = _counts(plain), []
    ready = prepare(plain, profile=profiles[0], people=people)
    own = None
    for profile in profiles:
        reading = _read(plain, people, profile, ready, profiles[0])
        mask = reading.answer.mask[reading.coded.rows]
        own = mask if own is None else own
        rows.append(
            {
                "profile": profile.id,
                "title": profile.title,
                "core": int(counts[mask == CORE].sum()),
                "core_possible": int(counts[(mask & CORE) > 0].sum()),
                "moved": int(counts[mask != own].sum()),
            }
        )
    table = pd.DataFrame(rows)
    return table.assign(core_base=table["core"].iloc[0], **origin(offences))


def count_sensitivity(
    offences: pd.DataFrame,
    *,
    profile: str | Profile = "london_2023",
    people: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Count core when each switch alone takes each of its other values (a tornado).

    Switches that act on counts alone are left out. One row a ``setting`` with ``core``,
    ``core_possible``, ``core_base`` and ``moved`` (offences whose possible bands change), the
    widest change first.
    """
    base, words = read_profile(profile), {"true": True, "false": False}
    chosen, names = [base], []
    for row in switch_table().itertuples(index=False):
        for text in str(row.allowed).split("|") if "band" in str(row.acts_on) else ():
            value = words.get(text, text)
            if value != base.switches[str(row.switch)]:
                chosen.append(base.with_switches(**{str(row.switch): value}))
                names.append({"setting": f"{row.switch} = {text}", "question": row.question})
    table = count_bands_under(offences, chosen, people=people).iloc[1:].reset_index(drop=True)
    table = pd.concat([table, pd.DataFrame(names)], axis=1)
    wide = (table["core"] - table["core_base"]).abs()
    return table.iloc[np.lexsort((table["setting"], -table["moved"], -wide))].reset_index(drop=True)
