"""A simulated London in the layouts of the publishers, with planted answers.

Nothing here comes from a real record. The names and codes of the boroughs are real; wards, small
areas, boundaries, residents, offences and people are drawn by chance from `seed`.
"""

import json
import shutil
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from sna.errors import UsageError

FOLDER = "simulated"
README = """Simulated data

Every file in this folder was written by `sna sample`. It looks like what the
Metropolitan Police, police.uk and the Office for National Statistics publish, but every ward,
small area, boundary, resident, offence and person in it is invented. Do not publish
a figure made from it. truth.json holds the answers that were planted.
"""


def write_sample(
    out: Path,
    *,
    seed: int = 2025,
    boroughs: Sequence[str] = (),
    months: int = 60,
    end_month: str = "2025-03",
    scale: float = 1.0,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Write a simulated London as raw files under ``out/simulated``.

    The same settings always give the same bytes. The figures describe no real place.

    Parameters
    ----------
    out
        The raw folder; ``simulated`` is made in it, replacing an earlier one.
    seed
        Start of the random draws.
    boroughs
        Borough names or codes; none means all 33.
    months, end_month
        How many months, and the last one, ``YYYY-MM``.
    scale
        Residents and offences as a share of London's real size.
    progress
        Called with a line of text as each part is written.

    Returns
    -------
    dict
        The planted answers, as in ``truth.json``.

    Raises
    ------
    UsageError
        If a borough is not known, or months or scale are not positive.
    """
    settings = {
        "seed": seed, "boroughs": list(boroughs), "months": months, "end_month": end_month,
        "scale": scale,
    }  # fmt: skip
    names, period = _check(settings)
    import numpy as np

    from sna.sample import area_files, city, offences, police_files, truth

    folder = Path(out) / FOLDER
    if folder.exists() and any(folder.iterdir()):
        if not (folder / "SIMULATED.txt").is_file():
            raise UsageError(
                "The folder holds files that were not simulated.", where=str(folder),
                do="Move them, or choose another --out.",
            )  # fmt: skip
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "SIMULATED.txt").write_text(README, encoding="utf-8")
    layout, events, identities = (np.random.default_rng([seed, part]) for part in range(3))
    progress("Drawing areas and residents")
    place = city.make_city(names, scale=scale, rng=layout)
    progress("Drawing offences and people")
    happened = offences.make_events(place, months=period, scale=scale, rng=events)
    answers = truth.describe_truth(place, happened, settings)
    progress(f"Writing the record extract ({answers['offences']:,} offences)")
    police_files.write_extract(place, happened, folder / "extract")
    mapping = "simulated_record_extract.mapping.toml"
    text = (resources.files("sna.sample") / mapping).read_text(encoding="utf-8")
    (folder / "extract" / mapping).write_text(text, encoding="utf-8")
    progress("Writing police.uk months")
    police_files.write_police_uk(place, happened, folder / "police_uk", identities)
    progress("Writing published counts, residents and areas")
    area_files.write_mps(place, happened, folder / "mps")
    area_files.write_population(place, folder / "population")
    area_files.write_places(place, folder)
    (folder / "truth.json").write_text(json.dumps(answers, indent=1) + "\n", encoding="utf-8")
    return answers


def _check(settings: dict[str, Any]) -> tuple[list[str], Any]:
    """Return borough names and months, or raise `UsageError`."""
    import difflib

    import pandas as pd

    from sna.sample.city import read_reference

    table = read_reference("boroughs")
    known = table["borough_name"].tolist()
    said = {name.lower(): name for name in known} | dict(
        zip(table["borough_code"].str.lower(), known, strict=True)
    )
    unknown = [name for name in settings["boroughs"] if name.strip().lower() not in said]
    if unknown:
        near = difflib.get_close_matches(unknown[0], known, n=1, cutoff=0.4)
        raise UsageError(
            f"{len(unknown)} boroughs are not known.", where="sna sample --boroughs", found=unknown,
            do=f"Did you mean {near[0]}?" if near else "Give official borough names.",
        )  # fmt: skip
    if settings["months"] < 1 or not 0 < settings["scale"] <= 30:
        raise UsageError(
            "months must be 1 or more and scale above 0, at most 30.", where="sna sample",
            found=f"months {settings['months']}, scale {settings['scale']}", do="Change them.",
        )  # fmt: skip
    try:
        last = pd.Period(settings["end_month"], freq="M").to_timestamp()
    except ValueError:
        raise UsageError(
            "The end month cannot be read.", where="sna sample --to", found=settings["end_month"],
            do="Write it as 2025-03.",
        ) from None  # fmt: skip
    months = pd.date_range(end=last, periods=settings["months"], freq="MS")
    return [said[name.strip().lower()] for name in settings["boroughs"]] or known, months
