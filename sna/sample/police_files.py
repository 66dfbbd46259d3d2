"""Write the record extract and the police.uk months, in the layouts of their publishers."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sna.sample.city import PLANTED, City, read_reference
from sna.sample.offences import Events

_WORDS: dict[str, list[str]] = PLANTED["words"]
_STREET_MONTHS = 36  # what the archive keeps


def write_rows(table: dict[str, Any], path: Path) -> None:
    """Write columns as a CSV file; missing values are empty, only what needs quotes gets them."""
    import polars as pl  # pyarrow's writer quotes all text or none

    path.parent.mkdir(parents=True, exist_ok=True)
    pl.DataFrame(pl.from_arrow(pa.table(table))).write_csv(path)


def _pick(values: Any, index: Any, shown: Any = True) -> pa.Array:
    """Return ``values[index]`` as text; missing where empty or not `shown`."""
    picked = pa.array([str(value) or None for value in values], pa.string())
    where = np.broadcast_to(shown, np.shape(index))
    return pc.if_else(pa.array(where), picked.take(pa.array(np.asarray(index))), None)


def _stamp(minutes: np.ndarray, layout: str = "%Y-%m-%d %H:%M") -> pa.Array:
    """Return minutes since 1970 as text; negative ones are empty."""
    text = pc.strftime(pa.array(minutes * 60).cast(pa.timestamp("s")), format=layout)
    return pc.if_else(pa.array(minutes >= 0), text, None)


def _number(start: str, numbers: np.ndarray) -> pa.Array:
    padded = pc.utf8_lpad(pa.array(numbers).cast(pa.string()), 8, "0")
    return pc.if_else(pa.array(numbers > 0), pc.binary_join_element_wise(start, padded, ""), None)


def write_extract(city: City, events: Events, folder: Path) -> None:
    """Write the record-level extract and its people; the mapping is written beside them."""
    rows, codes, lsoas = events.offences, events.codes, city.lsoas
    row = {name: rows[name].to_numpy() for name in rows}
    lsoa, placed, weapon = row["lsoa"], row["is_placed"], row["weapon"]
    points, anchor = city.points.astype(int).reshape(-1, 2), lsoa * 24 + row["point"]
    table = {
        "Crime Reference": _number("SIM-", np.arange(1, len(rows) + 1)),
        "Recorded Date": _stamp(row["recorded"]),
        "Committed From": _stamp(row["committed"]),
        "Committed To": _stamp(row["until"]),
        "Offence Class": _pick(codes["offence_code"], row["code"]),
        "Offence": _pick(codes["offence_text"], row["code"]),
        "Record Status": _pick(_WORDS["status"], row["status"]),
        "Borough": _pick(city.boroughs["borough_name"], row["borough"]),
        "Ward Code": _pick(lsoas["ward_code"], lsoa, placed),
        "LSOA Code": _pick(lsoas["lsoa_code"], lsoa, placed),
        "Easting": _pick(points[:, 0], anchor, placed),
        "Northing": _pick(points[:, 1], anchor, placed),
        "Domestic Abuse": _pick(["N", "", "Y"], row["domestic"]),
        "Knife": _pick(["N", "Y", "N", "N"], weapon),
        "Gun": _pick(["N", "N", "Y", "N"], weapon),
        "Corrosive": _pick(["N", "N", "N", "Y"], weapon),
        "Weapon Use": _pick(_WORDS["weapon_use"], (weapon > 0) * (1 + row["recorded"] % 3)),
        "Outcome": _pick(_WORDS["outcomes"], row["outcome"]),
        "Linked Reference": _number("SIM-", row["linked"] + 1),
    }
    write_rows(table, folder / "simulated_record_extract.csv")
    person = {name: events.people[name].to_numpy() for name in events.people}
    groups, names = read_reference("ethnic_groups"), read_reference("boroughs")["borough_name"]
    own = np.flatnonzero(names.isin(city.boroughs["borough_name"]))
    home = np.where(
        person["is_local"], own[row["borough"][person["offence"]]], person["stranger_home"]
    )
    serial = np.arange(1, len(home) + 1)
    told = np.where(person["self_missing"], len(groups) + serial % 2, person["group"])
    table = {
        "Crime Reference": _number("SIM-", person["offence"] + 1),
        "Role": _pick(["Suspect", "Victim"], person["is_victim"].astype(int)),
        "Person Id": _number("SIMP", serial),
        "Age": _pick(range(91), person["age"], ~person["age_missing"]),
        "Sex": _pick(["F", "M"], person["sex"]),
        "Ethnicity Self": _pick([*groups["self_code"], "NS", ""], told),
        "Ethnicity Observed": _pick(
            groups["observed_code"], person["group"], ~person["observed_missing"]
        ),
        "Home Borough": _pick(names, home),
    }
    write_rows(table, folder / "simulated_record_extract_people.csv")


def write_police_uk(city: City, events: Events, folder: Path, rng: np.random.Generator) -> None:
    """Write street and stop-and-search months of both London forces."""
    from pyproj import Transformer

    turn = Transformer.from_crs(27700, 4326, always_xy=True)
    degrees = turn.transform(*city.points.reshape(-1, 2).T)
    places = (np.char.mod("%.6f", degrees[0]), np.char.mod("%.6f", degrees[1]))
    first = max(0, len(events.months) - _STREET_MONTHS)
    offences, stops = (
        table[table["month"] >= first] for table in (events.offences, events.searches)
    )
    offences = offences[offences["status"] == 0].sort_values(["month", "lsoa"], kind="stable")
    stops = stops.sort_values(["month", "minute"], kind="stable")
    is_city = city.boroughs["borough_name"].eq("City of London").to_numpy()
    home = is_city[city.lsoas["borough"].to_numpy()]
    for short, force, wanted in (
        ("city-of-london", "City of London Police", home),
        ("metropolitan", "Metropolitan Police Service", ~home),
    ):
        rows, own = offences[wanted[offences["lsoa"]]], stops[wanted[stops["lsoa"]]]
        for kind, part, table in (
            ("street", rows, _street(city, events, rows, force, places, rng)),
            ("stop-and-search", own, _searches(events, own, places)),
        ):
            edges = np.searchsorted(part["month"], np.arange(len(events.months) + 1))
            for month in np.flatnonzero(np.diff(edges)):
                stamp, span = f"{events.months[int(month)]:%Y-%m}", slice(*edges[month : month + 2])
                name = f"{stamp}/simulated_{stamp}-{short}-{kind}.csv"
                write_rows({key: column[span] for key, column in table.items()}, folder / name)


def _street(
    city: City, events: Events, rows: pd.DataFrame, force: str,
    places: tuple[np.ndarray, np.ndarray], rng: np.random.Generator,
) -> dict[str, pa.Array]:  # fmt: skip
    row = {name: rows[name].to_numpy() for name in rows}
    lsoa, placed, near = row["lsoa"], row["is_placed"], row["point"] % 8
    anchor, everyone = lsoa * 24 + near, np.zeros(len(rows), dtype=np.int64)
    identity = np.frombuffer(rng.bytes(32 * len(rows)).hex().encode(), "S64").astype(str)
    streets = [*_WORDS["streets"], "No Location"]
    return {
        "Crime ID": pa.array(identity),
        "Month": _pick([f"{month:%Y-%m}" for month in events.months], row["month"]),
        "Reported by": _pick([force], everyone),
        "Falls within": _pick([force], everyone),
        "Longitude": _pick(places[0], anchor, placed),
        "Latitude": _pick(places[1], anchor, placed),
        "Location": _pick(streets, np.where(placed, near, len(streets) - 1)),
        "LSOA code": _pick(city.lsoas["lsoa_code"], lsoa, placed),
        "LSOA name": _pick(city.lsoas["lsoa_name"], lsoa, placed),
        "Crime type": _pick(events.codes["street_type"], row["code"]),
        "Last outcome category": _pick(_WORDS["outcomes"], row["outcome"]),
        "Context": _pick([""], everyone),
    }


def _searches(
    events: Events, rows: pd.DataFrame, places: tuple[np.ndarray, np.ndarray]
) -> dict[str, pa.Array]:
    row = {name: rows[name].to_numpy() for name in rows}
    start = events.months.to_numpy().astype("datetime64[m]")[row["month"]]
    local = pd.DatetimeIndex(start + row["minute"].astype("timedelta64[m]"))
    summer = np.ones(len(local), dtype=bool)  # an hour that comes twice is read as the first
    clock = local.tz_localize("Europe/London", ambiguous=summer, nonexistent="shift_forward")
    minutes = clock.tz_convert("UTC").tz_localize(None).to_numpy().astype("datetime64[m]")
    groups, nothing = read_reference("ethnic_groups"), np.zeros(len(rows), dtype=np.int64)
    labels = [*groups["search_label"], "Other ethnic group - Not stated"]
    anchor, placed = row["lsoa"] * 24 + row["point"] % 8, row["is_placed"]
    band = np.searchsorted([10, 18, 25, 35], row["age"], side="right")
    return {
        "Type": _pick(["Person search"], nothing),
        "Date": _stamp(minutes.astype(np.int64), "%Y-%m-%dT%H:%M:%S+00:00"),
        "Part of a policing operation": _pick(["False"], nothing),
        "Policing operation": _pick([""], nothing),
        "Latitude": _pick(places[1], anchor, placed),
        "Longitude": _pick(places[0], anchor, placed),
        "Gender": _pick(["Female", "Male"], row["sex"]),
        "Age range": _pick(_WORDS["search_ages"], band, ~row["age_missing"]),
        "Self-defined ethnicity": _pick(
            labels, np.where(row["self_missing"], len(groups), row["group"])
        ),
        "Officer-defined ethnicity": _pick(groups["search_observed"], row["group"]),
        "Legislation": _pick(_WORDS["powers"], row["power"]),
        "Object of search": _pick(_WORDS["objects"], row["power"]),
        "Outcome": _pick(_WORDS["search_outcomes"], row["outcome"]),
        "Outcome linked to object of search": _pick([""], nothing),
        "Removal of more than just outer clothing": _pick([""], nothing),
    }
