"""Property violence and its companion: who is linked to whom, and what that adds."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from sna import definitions
from sna.classify.encode import NOTES, Coded
from sna.classify.facts import combine
from sna.classify.rules import CORE, LISTED, NOT_ATTACHED, OUT, Answer, Array
from sna.classify.units import ROLE
from sna.definitions import Profile

_HOURS = pd.Timedelta(hours=2)


_NONE = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class Links:
    """Linked property rows: ``row`` and its companion ``target`` (-1 when it is not in the table).

    A row occurs once for each row that carries the linked id. ``nearby`` names the rows
    whose link rests on place and time.
    """

    row: Array
    target: Array
    nearby: Array = field(default_factory=lambda: _NONE)


NO_LINKS = Links(_NONE, _NONE)


def _text(series: pd.Series) -> pd.Series:
    return series.astype("str").str.strip().fillna("")


def _property_rows(coded: Coded) -> Array:
    codes = definitions.offence_codes()
    property_codes = set(codes.loc[codes["role"] == "property", "offence_code"])
    is_property = [
        not s.aggregate and all(code in property_codes for code, _ in s.units)
        for s in coded.code_sets
    ]
    by_combo = np.array([*is_property, False])[coded.fields["code"]]
    return by_combo[coded.rows]


def find_links(offences: pd.DataFrame, coded: Coded) -> Links:
    """Find the companions that linked property rows name; an empty link is no link."""
    if not {"linked_id", "offence_id"} <= set(offences.columns):
        return NO_LINKS
    rows = np.flatnonzero(_property_rows(coded) & offences["linked_id"].notna().to_numpy())
    wanted = _text(offences["linked_id"].iloc[rows])
    rows, wanted = rows[(wanted != "").to_numpy()], wanted[wanted != ""]
    if not len(rows):
        return Links(rows, rows)
    ids = offences["offence_id"]
    near = np.flatnonzero(ids.isin(set(wanted) | set(offences["linked_id"].iloc[rows])).to_numpy())
    targets = pd.DataFrame({"id": _text(ids.iloc[near]).to_numpy(), "target": near})
    pairs = pd.DataFrame({"id": wanted.to_numpy(), "row": rows}).merge(
        targets, how="left", on="id", validate="many_to_many"
    )
    found = pairs["target"].fillna(-1).astype("int64").to_numpy()
    return Links(pairs["row"].to_numpy(), found)


def find_nearby(offences: pd.DataFrame, people: pd.DataFrame | None, coded: Coded) -> Links:
    """Find listed offences of the same suspect at the same place within two hours.

    Used for property rows without a link where ``property_nearby_fallback`` is on; the quality of
    such a row is low. Needs suspects with a ``person_id``, a place and a time.
    """
    place = next((c for c in ("location_name", "lsoa_code", "easting") if c in offences), None)
    needed = {"offence_id", "committed_from"} <= set(offences.columns)
    if people is None or "person_id" not in people or place is None or not needed:
        return NO_LINKS
    suspects = people.loc[people["person_role"].astype("str") == "suspect"]
    suspects = suspects[["offence_id", "person_id"]].dropna().drop_duplicates()
    spots = pd.DataFrame(
        {
            "offence_id": offences["offence_id"].astype("str").to_numpy(),
            "place": offences[place].astype("str").to_numpy(),
            "time": pd.to_datetime(offences["committed_from"]).to_numpy(),
            "row": np.arange(len(offences)),
            "property": _property_rows(coded),
        }
    ).merge(suspects, how="inner", on="offence_id", validate="many_to_many")
    damage, other = spots.loc[spots["property"]], spots.loc[~spots["property"]]
    pairs = damage.merge(other, on=["person_id", "place"], suffixes=("", "_other"))
    pairs = pairs.loc[(pairs["time"] - pairs["time_other"]).abs() <= _HOURS]
    return Links(pairs["row"].to_numpy(), pairs["row_other"].to_numpy())


def add_nearby(
    links: Links, offences: pd.DataFrame, people: pd.DataFrame | None, coded: Coded
) -> Links:
    """Add nearby companions for the property rows that no link names."""
    near = find_nearby(offences, people, coded)
    fresh = ~np.isin(near.row, links.row)
    return Links(
        np.concatenate([links.row, near.row[fresh]]),
        np.concatenate([links.target, near.target[fresh]]),
        near.row[fresh],
    )


def note_links(offences: pd.DataFrame, links: Links, coded: Coded) -> Coded:
    """Write the quality marks of ids and links into the combinations."""
    notes = np.zeros(len(offences), dtype=np.uint8)
    if "offence_id" in offences and offences["offence_id"].notna().any():
        ids = offences["offence_id"]
        known = ids.notna().to_numpy() & (ids != "").to_numpy()
        twice = ids[known].duplicated(keep=False).to_numpy()
        notes[known] |= twice * np.uint8(NOTES["duplicate_id"])
    missing = links.row[links.target < 0]
    notes[missing] |= NOTES["link_missing"]
    chained = links.target >= 0
    chained[chained] = _property_rows(coded)[links.target[chained]] if chained.any() else False
    notes[links.row[chained]] |= NOTES["link_circle"]
    notes[links.nearby] |= NOTES["link_nearby"]
    if not notes.any():
        return coded
    both = combine({"combo": coded.rows, "note": notes}, len(notes))
    fields = {name: values[both.fields["combo"]] for name, values in coded.fields.items()}
    fields["note"] = fields["note"] | both.fields["note"].astype(np.uint8)
    return Coded(both.rows, fields, coded.code_sets)


def companion_masks(profile: Profile, coded: Coded, answer: Answer, links: Links) -> Array:
    """Return what each link of ``links`` lets the property row become, before its own flag."""
    combo = coded.rows[links.target]  # -1 reads the last row, replaced below
    mask, role = answer.mask[combo], answer.role[combo]
    if profile.switches["reading"] == "B":
        kept = np.where(role == ROLE["property"], NOT_ATTACHED, mask)
        unknown = CORE | NOT_ATTACHED
    else:
        mixed = np.where(role < 0, mask | NOT_ATTACHED, NOT_ATTACHED)
        listed = (role == ROLE["listed"]) & (mask != OUT)
        kept = np.where(listed, mask, mixed)
        every = profile.contexts == "any_violence"
        unknown = CORE | NOT_ATTACHED | (np.uint8(0) if every else LISTED)
    return np.where(links.target < 0, unknown, kept).astype(np.uint8)


def attach(
    profile: Profile, coded: Coded, answers: tuple[Answer, Answer], links: Links
) -> tuple[Coded, Array]:
    """Give linked property rows combinations of their own that carry the companion's bands.

    `answers` are the profile's own and the victim-only one. Returns the new coding and, for each
    row, the position of its companion (-1 for none).
    """
    companion = np.full(len(coded.rows), -1, dtype=np.int64)
    if not len(links.row) or profile.switches["property"] == "off":
        return coded, companion
    rows, first = np.unique(links.row, return_inverse=True)
    keys = coded.rows[rows].astype(np.int64)
    for answer in answers:
        masks = companion_masks(profile, coded, answer, links)
        joined = np.zeros(len(rows), dtype=np.uint8)
        np.bitwise_or.at(joined, first, masks)
        keys = keys * 64 + joined
        counts = ((masks & NOT_ATTACHED) == 0) & (links.target >= 0)
        companion[links.row[counts]] = links.target[counts]
    distinct, number = np.unique(keys, return_inverse=True)
    base, link, victim_link = distinct >> 12, (distinct >> 6) & 63, distinct & 63
    added = {name: values[base] for name, values in coded.fields.items()}
    added |= {"link": link.astype(np.uint8), "link_victim": victim_link.astype(np.uint8)}
    fields = {name: np.concatenate([v, added[name]]) for name, v in coded.fields.items()}
    numbers = coded.rows.copy()
    numbers[rows] = len(coded.fields["code"]) + number
    return Coded(numbers, fields, coded.code_sets), companion
