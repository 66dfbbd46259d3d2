"""Why one record got its band."""

import numpy as np
import pandas as pd

from sna.classify.bands import Reading, add_bands, prepare, read_under
from sna.classify.facts import AGE_NAMES, FLAGS, STATUSES, USES, WEAPONS
from sna.classify.units import ROLES
from sna.definitions import Profile, read_profile, rules
from sna.errors import UsageError

_KLEENE = ("False", "Unknown", "True")
_ANSWERS = ("band", "possible_bands", "contexts", "contexts_unknown", "attached_to", "reason",
            "near_neighbour_switch", "victim_only_band", "band_quality", "definition_profile",
            "definition_hash")  # fmt: skip


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
    ids = offences["offence_id"].astype("str").str.strip()
    here = np.flatnonzero(ids == str(offence_id).strip()).tolist()[:1]
    if not here:
        raise UsageError(
            f"No record has the reference {str(offence_id)[:40]!r}.", where="sna explain",
            do="Check the reference; published counts have none.",
        )  # fmt: skip
    if "linked_id" in offences:  # the companion decides too
        link = str(offences["linked_id"].iloc[here[0]]).strip()
        others = np.flatnonzero((ids == link) & (link != "")).tolist()
        here += [at for at in others if at not in here]
    near = offences.iloc[here]
    if people is not None:
        people = people[people["offence_id"].isin(near["offence_id"])]
    prepared = prepare(near, profile=read_profile(profile), people=people)
    reading = read_under(read_profile(profile), prepared)
    row = add_bands(prepared, reading).iloc[0].astype(object).fillna("")
    decided = str(row["rule_ids"]).split("|")
    short = dict(rules().itertuples(index=False, name=None))
    tried = [*decided, *(rule for rule in short if rule not in decided)]
    told = [("fact", *fact) for fact in _facts(near, reading)]
    told += [("rule", r, short.get(r, "quality mark"), "decided" if r in decided else "tried")
             for r in tried]  # fmt: skip
    told += [("answer", name, str(row[name]), "") for name in _ANSWERS]
    return pd.DataFrame(told, columns=["part", "name", "value", "field"])


def _facts(near: pd.DataFrame, reading: Reading) -> list[tuple[str, str, str]]:
    coded, answer = reading.coded, reading.answer
    at = int(coded.rows[0])
    field = {name: int(values[at]) for name, values in coded.fields.items()}
    codes = dict.fromkeys(code for code, _ in coded.code_sets[field["code"]].units)
    role = int(answer.role[at])
    facts = (
        ("possible codes", ", ".join(codes), "offence_code"),
        ("role", ROLES[role] if role >= 0 else "several", "offence_codes.csv"),
        ("status", STATUSES[field["status"]], "status"),
        ("victim's age", AGE_NAMES[field["victim"]], "victim_age"),
        ("suspect's age", AGE_NAMES[field["suspect"]], "suspect_age"),
        ("domestic abuse flag", FLAGS[field["da"]], "domestic_abuse"),
        ("personally connected", _KLEENE[field["relation"]], "relationship"),
        ("weapon", f"{WEAPONS[field['weapon']]}, {USES[field['use']]}", "weapon"),
        ("under 25", _KLEENE[int(answer.u25[at])], "ages"),
        ("domestic abuse", _KLEENE[int(answer.da[at])], "flag, relationship, ages"),
        ("sexual violence", _KLEENE[int(answer.sv[at])], "offence_code"),
        ("weapon in scope", _KLEENE[int(answer.weapon[at])], "weapon, weapon_use"),
    )
    absent = {"status", "victim_age", "suspect_age", "domestic_abuse", "relationship", "weapon"}
    absent -= set(near.columns)
    return [(n, value, f"{f} (no such column)" if f in absent else f) for n, value, f in facts]
