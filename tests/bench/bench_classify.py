"""Speed and memory of the classifier against plain controls in the same run."""

import tracemalloc

import numpy as np
import pandas as pd

from sna.classify import ADDED, classify_offences
from sna.classify.bands import prepare, read_under
from sna.classify.facts import READERS, gather, read_states
from sna.classify.rules import BAND_OF_MASK
from sna.definitions import profile_ids, read_profile
from tests.bench import Measured, alternate, measure

CODES = ["8N", "105A", "34B", "34A", "3B", "19C", "88E", "58A", "10D", "46", "5D", "8Q", "106", "1"]
AGES = [*map(str, range(10, 70)), "18-24", "25-34", ""]


def draw(rows: int, *, categories: bool = True) -> pd.DataFrame:
    """Draw rows of facts; as dictionary columns, or as strings."""
    draw = np.random.default_rng(1)
    facts = {
        "offence_code": CODES,
        "victim_age": AGES,
        "suspect_age": AGES,
        "domestic_abuse": ["yes", "no", "unknown"],
        "weapon": ["none", "knife", "corrosive", "unknown"],
        "weapon_use": ["used", "threatened", "unknown"],
    }
    columns = {
        name: pd.Categorical.from_codes(draw.integers(0, len(v), rows), categories=v)
        for name, v in facts.items()
    }
    frame = pd.DataFrame(columns)
    return frame if categories else frame.astype("str")


def with_pandas(frame: pd.DataFrame) -> pd.Series:
    """Apply the core rule of a listed offence the obvious way, in nullable booleans."""
    known = {c: frame[c].astype("str") for c in frame}
    young = {}
    for who in ("victim", "suspect"):
        text = known[f"{who}_age"]
        age = pd.to_numeric(text.str.slice(0, 2), errors="coerce")
        young[who] = (age < 25).astype("boolean").mask(age.isna())
    young["suspect"] = young["suspect"].fillna(False)
    flag = known["domestic_abuse"]
    abuse = (flag == "yes").astype("boolean").mask(flag == "unknown")
    listed = known["offence_code"].isin(["8N", "34B", "3B", "19C", "5D", "1"])
    near = known["offence_code"].isin(["105A", "88E", "8Q"])
    sexual = known["offence_code"].isin(["19C", "88E"]).astype("boolean")
    context = young["victim"] | young["suspect"] | abuse | sexual
    band = pd.Series("out", index=frame.index)
    for role, yes, no in ((listed, "core", "listed_out_of_context"), (near, "context_only", "out")):
        band = band.mask(role & context.fillna(False), yes)
        band = band.mask(role & ~context.fillna(True), no)
        band = band.mask(role & context.isna(), "indeterminate")
    return band.astype("category")


def key_and_look_up(frame: pd.DataFrame, columns: int) -> list[np.ndarray]:
    """Encode each input, make one key, gather as many output columns as the classifier."""
    key = np.zeros(len(frame), dtype=np.int32)
    size = 1
    for name in frame:
        codes = frame[name].astype("category").cat.codes.to_numpy()
        count = len(frame[name].unique()) + 1
        key = key * np.int32(count) + codes
        size *= count
    table = np.zeros(size, dtype=np.int8)
    return [table[key] for _ in range(columns)]


def _memory(frame: pd.DataFrame) -> float:
    tracemalloc.start()
    classify_offences(frame)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**30


def benchmarks(quick: bool) -> list[Measured]:
    """Measure the band of coded rows, the whole call, and its memory."""
    rows = 1_000_000 if quick else 10_000_000
    rounds, share = (3, 1) if quick else (5, 5)
    frame = draw(rows)
    profiles = [read_profile(name) for name in profile_ids()]
    prepared = prepare(frame, profile=profiles[0])
    key = prepared.coded.rows
    names = ("victim_age", "suspect_age", "domestic_abuse", "weapon", "weapon_use")
    coded = [read_states(frame, name, READERS[name]) for name in names]
    coded.append(prepared.coded.facts["code"].to_numpy(dtype=np.uint8)[key])
    bands = [BAND_OF_MASK[read_under(p, prepared).answer["mask"]] for p in profiles]
    packed = sum(band.astype(np.uint32) << (3 * n) for n, band in enumerate(bands))

    def one_pass() -> int:
        return max(int(column.max()) for column in coded)

    found = [
        ("band of coded rows", "one max() pass over the columns", 10.0,
         *alternate(lambda: gather(bands[0], key), one_pass, rounds=rounds)),
        (f"{len(bands)} profiles at once", "one max() pass over the columns", 40.0,
         *alternate(lambda: gather(packed, key), one_pass, rounds=rounds)),
    ]  # fmt: skip
    part = frame.iloc[: rows // share]
    text = draw(rows // share, categories=False)
    for name, columns in (("dictionary", part), ("string", text)):
        found.append(
            (f"whole call, {name} columns", "key, look-ups, encoding", 3.0,
             *alternate(lambda c=columns: classify_offences(c),
                        lambda c=columns: key_and_look_up(c, len(ADDED)), rounds=2))
        )  # fmt: skip
    found.append(
        ("whole call", "pandas nullable booleans", 0.1,
         *alternate(lambda: classify_offences(part), lambda: with_pandas(part), rounds=1))
    )  # fmt: skip
    measured = [measure(n, c, a, b, budget=budget) for n, c, budget, a, b in found]
    peak = _memory(frame) * 10_000_000 / rows
    return [
        *measured,
        measure("memory above 10 M rows", "1 GiB", peak, 1.0, budget=1.5, unit="GiB"),
    ]
