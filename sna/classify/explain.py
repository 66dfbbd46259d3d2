"""Why one record got its band."""

import numpy as np
import pandas as pd

from sna.classify.bands import add_bands, prepare, read_under
from sna.classify.facts import AGES, FLAGS, STATUSES, USES, WEAPONS
from sna.classify.words import role_name
from sna.definitions import Profile, read_profile, rules
from sna.errors import UsageError

_KLEENE = ("False", "Unknown", "True")


def explain_offence(
    offences: pd.DataFrame,
    offence_id: str,
    *,
    profile: str | Profile = "london_2023",
    people: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Explain the band of one record: each fact and its field, each rule tried, the answer.

    Parameters
    ----------
    offences
        Table that holds the record and the one it is linked to.
    offence_id
        Reference of the record.
    profile, people
        As in `classify_offences`.

    Returns
    -------
    pandas.DataFrame
        ``part`` (fact, rule, answer), ``name``, ``value``, ``field`` it came from.

    Raises
    ------
    UsageError
        When no record has this reference.

    Examples
    --------
    >>> rows = pd.DataFrame({"offence_id": ["A1"], "offence_code": ["8N"], "victim_age": ["17"]})
    >>> explain_offence(rows, "A1").set_index("name").loc["band", "value"]
    'core'
    """
    ids = offences["offence_id"].astype("str").str.strip()
    here = np.flatnonzero(ids == str(offence_id).strip())
    if not len(here):
        raise UsageError(
            f"No record has the reference {str(offence_id)[:40]!r}.", where="sna explain",
            do="Check the reference; published counts have none.",
        )  # fmt: skip
    resolved = read_profile(profile)
    near = _companions(offences, ids, int(here[0]))
    if people is not None:
        people = people.loc[people["offence_id"].isin(near["offence_id"])]
    prepared = prepare(near, profile=resolved, people=people)
    reading = read_under(resolved, prepared)
    row = add_bands(prepared, reading).iloc[0]
    return pd.DataFrame(
        [*_facts(near, reading), *_rules(row), *_answers(row)],
        columns=["part", "name", "value", "field"],
    )


def _companions(offences: pd.DataFrame, ids: pd.Series, position: int) -> pd.DataFrame:
    """Return the record first, and the rows it is linked to."""
    if "linked_id" not in offences:
        return offences.iloc[[position]]
    link = str(offences["linked_id"].iloc[position]).strip()
    others = np.flatnonzero((ids == link) & (link != "")).tolist()
    return offences.iloc[[position, *(other for other in others if other != position)]]


def _facts(near: pd.DataFrame, reading: "object") -> list[tuple[str, str, str, str]]:
    coded, answer = reading.coded, reading.answer  # type: ignore[attr-defined]
    at = int(coded.rows[0])
    field = {name: int(values[at]) for name, values in coded.fields.items()}
    code_set = coded.code_sets[field["code"]]
    codes = ", ".join(dict.fromkeys(code for code, _ in code_set.units))
    names = {
        "possible codes": (codes, "offence_code"),
        "role": (role_name(int(answer.role[at])), "offence_codes.csv"),
        "status": (STATUSES[field["status"]], "status"),
        "victim's age": (AGES[field["victim"]][0], "victim_age"),
        "suspect's age": (AGES[field["suspect"]][0], "suspect_age"),
        "domestic abuse flag": (FLAGS[field["da"]], "domestic_abuse"),
        "personally connected": (_KLEENE[field["relation"]], "relationship"),
        "weapon": (f"{WEAPONS[field['weapon']]}, {USES[field['use']]}", "weapon, weapon_use"),
        "under 25": (_KLEENE[int(answer.u25[at])], "victim_age, suspect_age"),
        "domestic abuse": (_KLEENE[int(answer.da[at])], "domestic_abuse, relationship, ages"),
        "sexual violence": (_KLEENE[int(answer.sv[at])], "offence_code"),
        "weapon in scope": (_KLEENE[int(answer.weapon[at])], "weapon, weapon_use"),
    }
    absent = {"status", "victim_age", "suspect_age", "domestic_abuse", "relationship"}
    return [
        ("fact", name, value, f"{source} (absent)" if source in absent - set(near) else source)
        for name, (value, source) in names.items()
    ]


def _rules(row: pd.Series) -> list[tuple[str, str, str, str]]:
    short = dict(rules().itertuples(index=False, name=None))
    decided = str(row["rule_ids"]).split("|")
    return [("rule", rule, short.get(rule, "quality mark"), "decided") for rule in decided] + [
        ("rule", rule, text, "tried") for rule, text in short.items() if rule not in decided
    ]


def _answers(row: pd.Series) -> list[tuple[str, str, str, str]]:
    names = ("band", "possible_bands", "contexts", "contexts_unknown", "attached_to", "reason",
             "near_neighbour_switch", "victim_only_band", "band_quality", "definition_profile",
             "definition_hash")  # fmt: skip
    return [("answer", name, "" if pd.isna(row[name]) else str(row[name]), "") for name in names]
