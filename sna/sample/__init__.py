"""A simulated London in the layouts of the publishers, with planted answers; no real record."""

import difflib
import json
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from sna.errors import UsageError

FOLDER = "simulated"


def write_sample(
    out: Path,
    *,
    seed: int = 2025,
    boroughs: Sequence[str] = (),
    months: int = 60,
    end_month: str = "2025-03",
    scale: float = 1.0,
    progress: Callable[[str], Any] = str,
) -> dict[str, Any]:
    """Write a simulated London as raw files under ``out/simulated``; return the planted answers.

    The same settings always give the same bytes. The figures describe no real place. ``boroughs``
    are names or codes (none: all 33), ``scale`` is a share of London's real residents and offences.
    """
    import numpy as np
    import pandas as pd

    from sna.sample import bands, city, files, offences

    names = _check_boroughs(boroughs, city.read_reference("boroughs"))
    try:
        period = pd.date_range(end=f"{end_month}-01", periods=months, freq="MS")
    except ValueError:
        period = pd.DatetimeIndex([])
    if period.empty or not 0 < scale <= 30:
        found = f"{months} months to {end_month}, scale {scale}"
        do = "Write for example --months 24 --to 2025-03 --scale 0.1."
        raise UsageError("Months, end month or scale cannot be meant.", found=found, do=do)
    folder = _empty(Path(out) / FOLDER)
    layout, events, identities = (np.random.default_rng([seed, part]) for part in range(3))
    progress("Drawing areas, residents, offences and people")
    place = city.make_city(names, scale=scale, rng=layout)
    lists, counted, tally = files.make_lists(place, period), [], Counter[str]()
    for part in offences.make_events(place, months=period, scale=scale, rng=events):
        progress(f"Writing {len(part.offences):,} offences{part.span.replace('_', ' from ')}")
        files.write_extract(place, part, lists, folder / "extract")
        files.write_police_uk(place, part, lists, folder / "police_uk", identities)
        recorded = part.offences[part.offences["status"] == 0]
        counted.append(recorded.value_counts(["month", "is_placed", "lsoa", "code"]))
        tally += _count(part)
    progress("Writing published counts, residents and areas")
    counts = pd.concat(counted).rename("offences").reset_index()
    files.write_mps(place, [f"{month:%Y%m}" for month in period], counts, folder / "mps")
    files.write_population(place, folder / "population")
    files.write_places(place, folder)
    tally["recorded_offences"] = int(counts["offences"].sum())
    settings = {"seed": seed, "boroughs": list(boroughs), "months": months}
    settings |= {"end_month": end_month, "scale": scale}
    answers = _describe(place, period, tally, settings)
    answers |= {"bands": bands.count_bands(folder)}
    (folder / "truth.json").write_text(json.dumps(answers, indent=1) + "\n", encoding="utf-8")
    return answers


def _count(events: Any) -> Counter[str]:
    """Count offences, and people by how often they are victims."""
    victims = events.people[events.people["role"] == 1].drop_duplicates(["person", "offence"])
    times = victims["person"].value_counts()
    again = int((times > 1).sum())
    return Counter(offences=len(events.offences), people=len(times), more_than_once=again)


def _describe(city: Any, months: Any, tally: Any, settings: dict[str, Any]) -> dict[str, Any]:
    """Collect the planted answers."""
    from sna.sample.city import PLANTED
    from sna.sample.offences import find_step

    names, hot = city.boroughs["borough_name"], city.lsoas[city.lsoas["is_hotspot"]]
    codes = hot["lsoa_code"].groupby(hot["borough"].map(names)).agg(list).to_dict()
    borough, first = find_step(city, months)
    step = {"borough": names[borough], "month": f"{months[first]:%Y-%m}"}
    groups = {"group": "Black", "reference": "White", "note": "at every age, in every place"}
    return {
        "note": "Simulated data. These are the answers that were planted.",
        "settings": settings,
        **{name: tally[name] for name in ("offences", "recorded_offences")},
        "yearly_change_pct": 100 * PLANTED["yearly_change"],
        "step_change": {**step, "ratio": PLANTED["step_ratio"]},
        "hotspots": {"ratio_to_other_areas": PLANTED["hotspot_ratio"], "lsoa_codes": codes},
        "victim_rate_ratio": {**groups, "ratio": PLANTED["victim_ratio"]},
        "search_rate_ratio": {**groups, "ratio": PLANTED["search_ratio"]},
        "deprivation_log_rate_per_decile": PLANTED["deprivation_slope"],
        "charged_share_of_offences_with_a_suspect": PLANTED["charged"],
        "victims": {name: tally[name] for name in ("people", "more_than_once")},
        "shares": PLANTED["shares"],
    }


def _empty(folder: Path) -> Path:
    if folder.exists() and any(folder.iterdir()):
        if not (folder / "SIMULATED.txt").is_file():
            what, do = "The folder holds files that were not simulated.", "Choose another --out."
            raise UsageError(what, where=str(folder), do=do)
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(str(resources.files("sna.sample") / "README.txt"), folder / "SIMULATED.txt")
    return folder


def _check_boroughs(wanted: Sequence[str], table: Any) -> list[str]:
    known = table["borough_name"].tolist()
    said = {str(name).casefold(): name for name in known}
    said |= dict(zip(table["borough_code"].str.casefold(), known, strict=True))
    unknown = [name for name in wanted if name.strip().casefold() not in said]
    if unknown:
        near = difflib.get_close_matches(unknown[0], known, n=1, cutoff=0.4)
        do = f"Did you mean {near[0]}?" if near else "Give official borough names."
        what = f"{len(unknown)} boroughs are not known."
        raise UsageError(what, where="sna sample --boroughs", found=unknown, do=do)
    return [said[name.strip().casefold()] for name in wanted] or known
