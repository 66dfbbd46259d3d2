"""A table read under one profile; its quality marks, unknown facts, rules and reasons in words."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Template

from sna.classify.encode import MARKS, Coded
from sna.classify.facts import AGE, STATUSES, UNDER_16, UNDER_25, Array, gather
from sna.classify.rules import BAND_OF_MASK, CORE, ROLE, ROLES, SHUT, UNDECIDED
from sna.definitions import Profile, read_reference, rows_of, switches
from sna.schemas.store_tables import BANDS

CONTEXTS = read_reference("contexts").set_index("context")
UNKNOWN = read_reference("unknown_facts").set_index("column")
_REASONS = {row["role"]: row for row in rows_of(read_reference("reasons"))}
_CONTEXT_RULES = CONTEXTS["rule"].to_dict()
_SWITCH_RULES = switches().set_index("switch")["rule"].to_dict()
_WORDS = {**MARKS["words"], **UNKNOWN["words"], **CONTEXTS["words"]}


@dataclass(frozen=True)
class Reading:
    """A table read under one profile: its combinations, the answer to each, the companions."""

    profile: Profile
    coded: Coded
    answer: pd.DataFrame
    companion: Array

    def of_rows(self, values: Any) -> Array:
        """Give every row the value of its combination."""
        return gather(np.asarray(values), self.coded.rows)

    def units(self) -> Array:
        """Return the rows that are units of the headline if they are core."""
        return ~self.of_rows(self.answer["apart"])

    def bands(self) -> Any:
        """Return the band of every row."""
        codes = self.of_rows(BAND_OF_MASK[self.answer["mask"]])
        return pd.Categorical.from_codes(codes, categories=pd.Index(BANDS), validate=False)


def _find(reading: Reading, tests: pd.Series) -> dict[str, Array]:
    """Return, for each test of a table of the definition, the combinations of which it is true."""
    facts, given = reading.coded.facts, reading.profile.switches
    marks = np.array([s.mark for s in reading.coded.code_sets], dtype=object)[facts["code"]]
    frame = facts.assign(**reading.answer, mark=marks, under_16=UNDER_16[facts["victim_age"]])
    ages = {f"{role}_25": UNDER_25[facts[f"{role}_age"]] for role in ("victim", "suspect")}
    names = {f"age_{name}": number for name, number in AGE.items()} | ROLE
    names["suspects_decide"] = given["u25_role"] in ("suspect", "both")
    names["weapon_lifts"] = given["weapon_clause"] == "lift"
    # `frame.eval` would silence a warning of pandas' own, which two threads cannot do at a time
    known: dict[Any, Any] = {**frame.assign(**ages).to_dict("series"), **names}
    found = {name: pd.eval(test.replace("@", ""), local_dict=known) for name, test in tests.items()}
    return {str(name): np.asarray(truth, dtype=bool) for name, truth in found.items()}


def find_marks(reading: Reading) -> dict[str, Array]:
    """Return, for each quality mark, the combinations that carry it."""
    return _find(reading, MARKS["when"])


def find_unknown(reading: Reading) -> dict[str, Array]:
    """Return, for each input column, the combinations whose band it could decide."""
    undecided = BAND_OF_MASK[reading.answer["mask"]] == UNDECIDED
    return {name: truth & undecided for name, truth in _find(reading, UNKNOWN["when"]).items()}


@cache
def _template() -> Template:
    text = files("sna.templates").joinpath("band.txt.j2").read_text(encoding="utf-8")
    return Template(text)


def add_words(
    reading: Reading, told: dict[str, Array], marks: Array, unknown: Array
) -> dict[str, Array]:
    """Word the rules and the reason of every distinct sign, and give each combination its words."""
    answer, profile = reading.answer, reading.profile
    columns = ("band", "possible_bands", "contexts", "has_weapon_lift", "near_neighbour_switch")
    signs = pd.DataFrame({name: told[name] for name in columns}).assign(
        is_attached=answer["attached"],
        role=answer["role"],
        status=reading.coded.facts["status"],
        counted=(profile.contexts == "subgroups") & (answer["mask"] == CORE),
        marks=marks,
        unknown=unknown,
    )
    number = signs.groupby(list(signs), sort=False).ngroup().to_numpy()
    words = [
        _word(row, profile) for row in signs[~pd.Series(number).duplicated()].to_dict("records")
    ]
    found = np.array(words, dtype=object).reshape(-1, 2)[number]
    return {"rule_ids": found[:, 0], "reason": found[:, 1]}


def _word(sign: dict[Any, Any], profile: Profile) -> tuple[str, str]:
    """Return the numbers of the rules that decided, with the marks, and one plain sentence."""
    contexts, marks, unknown = (
        [part for part in sign[name].split("|") if part]
        for name in ("contexts", "marks", "unknown")
    )
    status, row = STATUSES[sign["status"]], _REASONS[(*ROLES, "several")[sign["role"]]]
    shut = status in SHUT and sign["band"] == "out"
    switched = _SWITCH_RULES.get(sign["near_neighbour_switch"].partition("=")[0], row["rule"])
    rules = [
        *[row["rule"]] * (row["role"] != "switched"),
        switched,
        *(_CONTEXT_RULES[name] for name in contexts),
        *["R22"] * sign["has_weapon_lift"],
    ]
    alone = row["role"] == "property" and not sign["is_attached"] and "da" in contexts
    rules += ["R13"] * alone
    rules += ["R04"] * (not {"victim_age", "suspect_age"}.isdisjoint(unknown))
    rules = list(dict.fromkeys([*rules, *(f"Q:{mark}" for mark in marks)]))
    sentence = _template().render(
        {**row, **sign, "shut": shut, "status": status},
        every=profile.contexts == "any_violence",
        contexts=[_WORDS[name] for name in contexts],
        marks=[_WORDS[name] for name in marks],
        unknown=[_WORDS[name] for name in unknown],
    )
    closed = "R28" if status == "terrorism" else "R27"
    return closed if shut else "|".join(rules), sentence
