"""A simulated London in the layouts of the publishers, with planted answers; no real record."""

import difflib
import json
import shutil
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from sna.errors import UsageError

FOLDER = "simulated"


def write_sample(
    out: Path, *, seed: int = 2025, boroughs: Sequence[str] = (), months: int = 60,
    end_month: str = "2025-03", scale: float = 1.0, progress: Callable[[str], Any] = str,
) -> dict[str, Any]:  # fmt: skip
    """Write a simulated London as raw files under ``out/simulated``; return the planted answers.

    The same settings always give the same bytes. The figures describe no real place. ``boroughs``
    are names or codes (none: all 33), ``scale`` is a share of London's real residents and offences.
    """
    import numpy as np
    import pandas as pd

    from sna.sample import area_files, city, offences, police_files, truth

    names = _check_boroughs(boroughs, city.read_reference("boroughs"))
    try:
        period = pd.date_range(end=f"{end_month}-01", periods=months, freq="MS")
    except ValueError:
        period = pd.DatetimeIndex([])
    if period.empty or not 0 < scale <= 30:
        raise UsageError(
            "Months, end month or scale cannot be meant.", where="sna sample",
            found=f"{months} months to {end_month}, scale {scale}",
            do="Write for example --months 24 --to 2025-03 --scale 0.1.",
        )  # fmt: skip
    settings = {"seed": seed, "boroughs": list(boroughs), "months": months,
                "end_month": end_month, "scale": scale}  # fmt: skip
    folder = _empty(Path(out) / FOLDER)
    layout, events, identities = (np.random.default_rng([seed, part]) for part in range(3))
    progress("Drawing areas, residents, offences and people")
    place = city.make_city(names, scale=scale, rng=layout)
    happened = offences.make_events(place, months=period, scale=scale, rng=events)
    answers = truth.describe_truth(place, happened, settings)
    progress(f"Writing the record extract ({answers['offences']:,} offences)")
    police_files.write_extract(place, happened, folder / "extract")
    mapping = "simulated_record_extract.mapping.toml"
    shutil.copyfile(str(resources.files("sna.sample") / mapping), folder / "extract" / mapping)
    progress("Writing police.uk months")
    police_files.write_police_uk(place, happened, folder / "police_uk", identities)
    progress("Writing published counts, residents and areas")
    area_files.write_mps(place, happened, folder / "mps")
    area_files.write_population(place, folder / "population")
    area_files.write_places(place, folder)
    (folder / "truth.json").write_text(json.dumps(answers, indent=1) + "\n", encoding="utf-8")
    return answers


def _empty(folder: Path) -> Path:
    if folder.exists() and any(folder.iterdir()):
        if not (folder / "SIMULATED.txt").is_file():
            raise UsageError(
                "The folder holds files that were not simulated.", where=str(folder),
                do="Move them, or choose another --out.",
            )  # fmt: skip
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
        raise UsageError(
            f"{len(unknown)} boroughs are not known.", where="sna sample --boroughs", found=unknown,
            do=f"Did you mean {near[0]}?" if near else "Give official borough names.",
        )  # fmt: skip
    return [said[name.strip().casefold()] for name in wanted] or known
