"""Why one record got its band."""

import numpy as np
import pandas as pd

from sna.classify.bands import add_bands, prepare, read_under
from sna.classify.facts import AGE_NAMES, STATUSES, USES, WEAPONS
from sna.classify.inputs import check_table, id_text
from sna.classify.people import ROLES as PEOPLE
from sna.classify.rules import ROLES
from sna.classify.words import Reading
from sna.definitions import Profile, read_profile, read_reference, rows_of
from sna.errors import UsageError

_ANSWERS = (
    "band",
    "possible_bands",
    "contexts",
    "contexts_unknown",
    "attached_to",
    "reason",
    "near_neighbour_switch",
    "victim_only_band",
    "band_quality",
    "definition_profile",
    "definition_hash",
)


def explain_offence(
    offences: pd.DataFrame,
    offence_id: str,
    *,
    profile: str | Profile = "london_2023",
    people: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Explain the band of one record: each fact and its field, each rule tried, the answer.

    Returns ``part`` (fact, rule, answer), ``name``, ``value`` and the ``field`` it came from; a
    reference that no record has raises `UsageError`.

    >>> rows = pd.DataFrame({"offence_id": ["A1"], "offence_code": ["8N"], "victim_age": ["17"]})
    >>> explain_offence(rows, "A1").set_index("name").loc["band", "value"]
    'core'
    """
    check_table(offences, "Offences", "offence_id")
    ids = id_text(offences["offence_id"])
    wanted = str(offence_id).strip()
    here = np.flatnonzero((ids == wanted) & (wanted != "")).tolist()
    if not here:
        raise UsageError(
            f"No record has the reference {str(offence_id)[:40]!r}.",
            where="column offence_id",
            do="Check the reference; published counts have none.",
        )
    if "linked_id" in offences:  # the companion decides too
        link = id_text(offences["linked_id"]).iloc[here[0]]
        others = np.flatnonzero((ids == link) & (link != "")).tolist()
        here += [at for at in others if at not in here]
    text = read_profile(profile)
    if text.switches["property_nearby_fallback"]:  # any other record may be the companion
        here += np.setdiff1d(np.arange(len(ids)), here).tolist()
    near = offences.iloc[here]
    if people is not None:
        people = people[id_text(people["offence_id"]).isin(ids.iloc[here])]
    prepared = prepare(near, profile=text, people=people)
    reading = read_under(text, prepared)
    row = add_bands(prepared, reading).iloc[0].astype(object).fillna("")
    decided = str(row["rule_ids"]).split("|")
    short = dict(read_reference("rules").itertuples(index=False, name=None))
    told = [("fact", *fact) for fact in _facts(near, reading, people)]
    for rule in dict.fromkeys([*decided, *short]):
        words = short.get(rule, "quality mark")
        told.append(("rule", rule, words, "decided" if rule in decided else "tried"))
    told += [("answer", name, str(row[name]), "") for name in _ANSWERS]
    return pd.DataFrame(told, columns=["part", "name", "value", "field"])


def _facts(
    near: pd.DataFrame, reading: Reading, people: pd.DataFrame | None
) -> list[tuple[str, str, str]]:
    at = int(reading.coded.rows[0])
    fact, answer = reading.coded.facts.iloc[at], reading.answer.iloc[at]
    units = reading.coded.code_sets[fact["code"]].units
    values = {
        "possible codes": ", ".join(dict.fromkeys(code for code, _ in units)),
        "role": (*ROLES, "several")[answer["role"]],
        "status": STATUSES[fact["status"]],
        "weapon": f"{WEAPONS[fact['weapon']]}, {USES[fact['weapon_use']]}",
    }
    told = []
    for row in rows_of(read_reference("explained_facts")):
        number = answer.get(row["key"], fact.get(row["key"], 0))
        scale = AGE_NAMES if row["key"].endswith("_age") else ("False", "Unknown", "True")
        gone = " (no such column)" if row["column"] and row["field"] not in near else ""
        if gone and row["key"] in PEOPLE and people is not None and len(people):
            gone = " (from people)"
        told.append((row["name"], values.get(row["name"]) or scale[number], row["field"] + gone))
    return told
