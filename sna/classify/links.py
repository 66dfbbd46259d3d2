"""Property violence and its companion: who is linked to whom, and what that adds."""

import numpy as np
import pandas as pd

from sna.classify.encode import NOTES, Coded
from sna.classify.facts import Array, combine
from sna.classify.inputs import id_text, is_among
from sna.classify.rules import BIT, CORE, NOT_ATTACHED, OUT, ROLE
from sna.definitions import Profile, offence_codes

_HOURS = pd.Timedelta(hours=2)
# linked property rows: position, that of the companion (-1: not in the table), found by place
NO_LINKS = pd.DataFrame({"row": [], "target": [], "nearby": []}, dtype="int64")


def _property_rows(coded: Coded) -> Array:
    codes = offence_codes()
    ours = set(codes.loc[codes["role"] == "property", "offence_code"])
    is_property = [not s.aggregate and {c for c, _ in s.units} <= ours for s in coded.code_sets]
    return np.array(is_property)[coded.facts["code"]][coded.rows]


def find_links(offences: pd.DataFrame, coded: Coded) -> pd.DataFrame:
    """Find the companions that linked property rows name; an empty link is no link."""
    if "linked_id" not in offences:
        return NO_LINKS
    rows = np.flatnonzero(_property_rows(coded) & offences["linked_id"].notna().to_numpy())
    links = id_text(offences["linked_id"].iloc[rows]).fillna("").to_numpy()
    wanted = pd.DataFrame({"id": links, "row": rows})[links != ""]
    if wanted.empty:
        return NO_LINKS
    ids = id_text(offences.get("offence_id", pd.Series("", offences.index)))
    near = np.flatnonzero(is_among(ids, wanted["id"]))
    targets = pd.DataFrame({"id": ids.iloc[near].to_numpy(), "target": near})
    pairs = wanted.merge(targets, how="left", on="id", validate="many_to_many")
    pairs = pairs[["row", "target"]].fillna(-1).astype("int64")
    return pairs.assign(nearby=0)


def add_nearby(
    links: pd.DataFrame, offences: pd.DataFrame, people: pd.DataFrame | None, coded: Coded
) -> pd.DataFrame:
    """Add, for property rows without a link, offences of one suspect and place within two hours.

    Used where ``property_nearby_fallback`` is on; the quality of such a row is low. Needs suspects
    with a ``person_id``, a place and a time.
    """
    place = next((c for c in ("location_name", "lsoa_code", "easting") if c in offences), None)
    timed = {"offence_id", "committed_from"} <= set(offences.columns)
    if people is None or "person_id" not in people or place is None or not timed:
        return links
    suspects = people.loc[people["person_role"].astype("str") == "suspect"]
    suspects = suspects.assign(offence_id=id_text(suspects["offence_id"]))
    suspects = suspects[["offence_id", "person_id"]].dropna().drop_duplicates()
    spots = pd.DataFrame(
        {
            "offence_id": id_text(offences["offence_id"]).to_numpy(),
            "place": offences[place].astype("str").to_numpy(),
            "time": pd.to_datetime(offences["committed_from"]).to_numpy(),
            "row": np.arange(len(offences)),
            "property": _property_rows(coded),
        }
    ).merge(suspects, how="inner", on="offence_id", validate="many_to_many")
    damage, other = spots.loc[spots["property"]], spots.loc[~spots["property"]]
    pairs = damage.merge(other, on=["person_id", "place"], suffixes=("", "_other"))
    pairs = pairs.loc[(pairs["time"] - pairs["time_other"]).abs() <= _HOURS]
    pairs = pairs.loc[~pairs["row"].isin(links["row"])].assign(nearby=1)
    near = pairs[["row", "row_other", "nearby"]].rename(columns={"row_other": "target"})
    return pd.concat([links, near], ignore_index=True)


def note_links(ids: Array, links: pd.DataFrame, coded: Coded) -> Coded:
    """Write the quality marks of ids, given as numbers (-1: none), and links into combinations."""
    twice = np.append(np.bincount(ids[ids >= 0]) > 1, False)[ids]
    notes = twice * np.uint8(NOTES["duplicate_id"])
    row, target = links["row"].to_numpy(), links["target"].to_numpy()
    chained = (target >= 0) & np.append(_property_rows(coded), False)[target]
    marked = {
        "link_missing": target < 0,
        "link_circle": chained,
        "link_nearby": links["nearby"] > 0,
    }
    for name, truth in marked.items():
        notes[row[truth]] |= NOTES[name]
    if not notes.any():
        return coded
    rows, both = combine({"combo": coded.rows, "note": notes}, len(notes))
    facts = coded.facts.iloc[both["combo"]].reset_index(drop=True)
    return Coded(rows, facts.assign(note=facts["note"] | both["note"]), coded.code_sets)


def _companion_masks(
    profile: Profile, coded: Coded, answer: pd.DataFrame, links: pd.DataFrame
) -> Array:
    """Return what each link lets the property row become, before its own flag."""
    target = links["target"].to_numpy()
    told = answer[["mask", "role"]].iloc[coded.rows[target]]  # -1 reads a row, replaced below
    mask, role = told["mask"].to_numpy(), told["role"].to_numpy()
    counts, mixed = role == ROLE["listed"], np.where(role < 0, mask | NOT_ATTACHED, NOT_ATTACHED)
    unknown = CORE | NOT_ATTACHED
    if profile.switches["reading"] == "B":
        counts = role != ROLE["property"]
        mixed = np.full(len(role), NOT_ATTACHED)
    elif profile.contexts != "any_violence":
        unknown |= BIT["listed_out_of_context"]
    kept = np.where(counts & (mask != OUT), mask, mixed)
    return np.where(target < 0, unknown, kept).astype(np.uint8)


def attach(
    profile: Profile, coded: Coded, answer: pd.DataFrame, links: pd.DataFrame
) -> tuple[Coded, Array]:
    """Give linked property rows combinations of their own that carry the companion's bands.

    Returns the new coding and, for each row, the position of its companion (-1 for none).
    """
    companion = np.full(len(coded.rows), -1, dtype=np.int64)
    if links.empty or profile.switches["property"] == "off":
        return coded, companion
    masks = _companion_masks(profile, coded, answer, links)
    counts = ((masks & NOT_ATTACHED) == 0) & (links["target"] >= 0)
    companion[links.loc[counts, "row"]] = links.loc[counts, "target"]
    rows, first = np.unique(links["row"], return_inverse=True)
    joined = np.zeros(len(rows), dtype=np.uint8)
    np.bitwise_or.at(joined, first, masks)
    number, both = combine({"combo": coded.rows[rows], "link": joined}, len(rows))
    added = coded.facts.iloc[both["combo"]].assign(link=both["link"].to_numpy())
    numbers = coded.rows.copy()
    numbers[rows] = len(coded.facts) + number
    return Coded(
        numbers, pd.concat([coded.facts, added], ignore_index=True), coded.code_sets
    ), companion
