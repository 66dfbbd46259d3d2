"""Write the record extract and the police.uk months, in the layouts of their publishers."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from sna.sample.city import City, read_reference
from sna.sample.offences import Events

STREET_MONTHS = 36  # what the archive keeps
_OUTCOMES = (
    "Investigation complete; no suspect identified",
    "Unable to prosecute suspect",
    "Under investigation",
    "Court result unavailable",
    "Offender given a caution",
)
_SEARCH_OUTCOMES = (
    "A no further action disposal",
    "Arrest",
    "Community resolution",
    "Penalty Notice for Disorder",
    "Summons / charged by post",
)
_POWERS = {
    "Controlled drugs": "Misuse of Drugs Act 1971 (section 23)",
    "Offensive weapons": "Police and Criminal Evidence Act 1984 (section 1)",
    "Firearms": "Firearms Act 1968 (section 47)",
    "Anything to threaten or harm anyone": (
        "Criminal Justice and Public Order Act 1994 (section 60)"
    ),
}


def write_rows(table: dict[str, Any], path: Path) -> None:
    """Write columns as a CSV file; missing values are empty, only what needs quotes gets them."""
    import polars as pl  # pyarrow's writer quotes all text or none

    path.parent.mkdir(parents=True, exist_ok=True)
    frame = pl.from_arrow(pa.table(table))
    assert isinstance(frame, pl.DataFrame)
    frame.write_csv(path)


def _pick(values: Any, index: np.ndarray, shown: np.ndarray | None = None) -> pa.Array:
    """Return ``values[index]`` as text; missing where empty or not `shown`."""
    picked = pa.array([str(value) or None for value in values], pa.string()).take(pa.array(index))
    return picked if shown is None else pa.compute.if_else(pa.array(shown), picked, None)


def _stamp(minutes: np.ndarray, layout: str = "%Y-%m-%d %H:%M") -> pa.Array:
    """Return minutes since 1970 as text; negative ones are empty."""
    text = pa.compute.strftime(pa.array(minutes * 60).cast(pa.timestamp("s")), format=layout)
    return pa.compute.if_else(pa.array(minutes >= 0), text, None)


def write_extract(city: City, events: Events, folder: Path) -> None:
    """Write the record-level extract, its people and the mapping that explains both."""
    rows, lsoas = events.offences, city.lsoas
    lsoa, placed = rows["lsoa"].to_numpy(), rows["is_placed"].to_numpy()
    references = _references(len(rows))
    linked, weapon = rows["linked"].to_numpy(), rows["weapon"].to_numpy()
    points = city.points.astype(int)
    anchor = lsoa * points.shape[1] + rows["point"].to_numpy()
    how = np.where(weapon > 0, 1 + rows["recorded"].to_numpy() % 3, 0)
    write_rows(
        {
            "Crime Reference": references,
            "Recorded Date": _stamp(rows["recorded"].to_numpy()),
            "Committed From": _stamp(rows["committed"].to_numpy()),
            "Committed To": _stamp(rows["until"].to_numpy()),
            "Offence Class": _pick(events.codes["offence_code"], rows["code"].to_numpy()),
            "Offence": _pick(events.codes["offence_text"], rows["code"].to_numpy()),
            "Record Status": _pick(
                ["Recorded", "Cancelled", "Transferred"], rows["status"].to_numpy()
            ),
            "Borough": _pick(city.boroughs["borough_name"], rows["borough"].to_numpy()),
            "Ward Code": _pick(lsoas["ward_code"], lsoa, placed),
            "LSOA Code": _pick(lsoas["lsoa_code"], lsoa, placed),
            "Easting": _pick(points[..., 0].ravel(), anchor, placed),
            "Northing": _pick(points[..., 1].ravel(), anchor, placed),
            "Domestic Abuse": _pick(["N", "", "Y"], rows["domestic"].to_numpy()),
            "Knife": _pick(["N", "Y", "N", "N"], weapon),
            "Gun": _pick(["N", "N", "Y", "N"], weapon),
            "Corrosive": _pick(["N", "N", "N", "Y"], weapon),
            "Weapon Use": _pick(["", "Used", "Threatened", "Intimated"], how),
            "Outcome": _pick(_OUTCOMES, rows["outcome"].to_numpy()),
            "Linked Reference": pa.compute.if_else(
                pa.array(linked >= 0), references.take(pa.array(linked.clip(0))), None
            ),
        },
        folder / "simulated_record_extract.csv",
    )
    _write_people(city, events, references, folder / "simulated_record_extract_people.csv")


def _references(number: int) -> pa.Array:
    numbers = pa.compute.utf8_lpad(pa.array(np.arange(1, number + 1)).cast(pa.string()), 8, "0")
    return pa.compute.binary_join_element_wise("SIM", numbers, "-")


def _write_people(city: City, events: Events, references: pa.Array, path: Path) -> None:
    people, groups = events.people, read_reference("ethnic_groups")
    names = read_reference("boroughs")["borough_name"]
    own = city.boroughs["borough_name"].map(pd.Series(names.index, index=names)).to_numpy()
    home = own[events.offences["borough"].to_numpy()[people["offence"]]]
    home = np.where(people["is_local"], home, people["stranger_home"])
    group = people["group"].to_numpy()
    stated = ~people["self_missing"].to_numpy()
    ethnicity = _pick(groups["self_code"], group, stated)
    refused = (~stated) & (np.arange(len(people)) % 2 == 0)
    numbers = pa.array(np.arange(1, len(people) + 1)).cast(pa.string())
    write_rows(
        {
            "Crime Reference": references.take(pa.array(people["offence"].to_numpy())),
            "Role": _pick(["Suspect", "Victim"], people["is_victim"].to_numpy().astype(int)),
            "Person Id": pa.compute.binary_join_element_wise(
                "SIMP", pa.compute.utf8_lpad(numbers, 8, "0"), ""
            ),
            "Age": _pick(range(91), people["age"].to_numpy(), ~people["age_missing"].to_numpy()),
            "Sex": _pick(["F", "M"], people["sex"].to_numpy()),
            "Ethnicity Self": pa.compute.if_else(pa.array(refused), "NS", ethnicity),
            "Ethnicity Observed": _pick(
                groups["observed_code"], group, ~people["observed_missing"].to_numpy()
            ),
            "Home Borough": _pick(names, home),
        },
        path,
    )


def _lon_lat(city: City) -> tuple[np.ndarray, np.ndarray]:
    """Return longitude and latitude of every anchor point as text with six decimals."""
    from pyproj import Transformer

    turn = Transformer.from_crs(27700, 4326, always_xy=True)
    lon, lat = turn.transform(city.points[..., 0].ravel(), city.points[..., 1].ravel())
    return np.char.mod("%.6f", lon), np.char.mod("%.6f", lat)


def _write_months(
    table: dict[str, pa.Array], month: np.ndarray, months: pd.DatetimeIndex, ending: str, to: Path
) -> None:
    """Write one file a month; `month` is sorted and counts from the start of `months`."""
    first = max(0, len(months) - STREET_MONTHS)
    for row in range(first, len(months)):
        start, stop = np.searchsorted(month, [row, row + 1])
        if stop > start:
            stamp = f"{months[row]:%Y-%m}"
            part = {name: column.slice(start, stop - start) for name, column in table.items()}
            write_rows(part, to / stamp / f"simulated_{stamp}-{ending}.csv")


def write_police_uk(city: City, events: Events, folder: Path, rng: np.random.Generator) -> None:
    """Write street and stop-and-search months of both London forces."""
    lon, lat = _lon_lat(city)
    is_city = city.boroughs["borough_name"].eq("City of London").to_numpy()
    home = city.lsoas["borough"].to_numpy()
    for ending, title, wanted in (
        ("city-of-london", "City of London Police", is_city),
        ("metropolitan", "Metropolitan Police Service", ~is_city),
    ):
        rows = events.offences
        rows = rows[(rows["status"] == 0) & wanted[rows["borough"].to_numpy()]]
        rows = rows[rows["month"] >= len(events.months) - STREET_MONTHS]
        rows = rows.sort_values(["month", "lsoa"], kind="stable")
        street = _street(city, events, rows, title, (lon, lat), rng)
        month = rows["month"].to_numpy()
        _write_months(street, month, events.months, f"{ending}-street", folder)
        stops = events.searches[wanted[home[events.searches["lsoa"].to_numpy()]]]
        stops = stops.sort_values(["month", "minute"], kind="stable")
        search = _searches(city, events, stops, (lon, lat))
        month = stops["month"].to_numpy()
        _write_months(search, month, events.months, f"{ending}-stop-and-search", folder)


def _street(
    city: City,
    events: Events,
    rows: pd.DataFrame,
    force: str,
    places: tuple[np.ndarray, np.ndarray],
    rng: np.random.Generator,
) -> dict[str, pa.Array]:
    lsoa, placed = rows["lsoa"].to_numpy(), rows["is_placed"].to_numpy()
    near = rows["point"].to_numpy() % 8
    anchor = lsoa * city.points.shape[1] + near
    size = len(rows)
    identity = np.frombuffer(rng.bytes(32 * size).hex().encode(), "S64").astype(str)
    streets = ("Sample Street", "Model Lane", "Invented Road", "Draft Avenue",
               "Pattern Close", "Test Way", "Example Square", "Mock Hill")  # fmt: skip
    named = _pick([f"On or near {name}" for name in streets], near)
    month = _pick([f"{m:%Y-%m}" for m in events.months], rows["month"].to_numpy())
    everyone = np.zeros(size, dtype=np.int64)
    return {
        "Crime ID": pa.array(identity),
        "Month": month,
        "Reported by": _pick([force], everyone),
        "Falls within": _pick([force], everyone),
        "Longitude": _pick(places[0], anchor, placed),
        "Latitude": _pick(places[1], anchor, placed),
        "Location": pa.compute.if_else(pa.array(placed), named, "No Location"),
        "LSOA code": _pick(city.lsoas["lsoa_code"], lsoa, placed),
        "LSOA name": _pick(city.lsoas["lsoa_name"], lsoa, placed),
        "Crime type": _pick(events.codes["street_type"], rows["code"].to_numpy()),
        "Last outcome category": _pick(_OUTCOMES, rows["outcome"].to_numpy()),
        "Context": _pick([""], everyone),
    }


def _searches(
    city: City, events: Events, rows: pd.DataFrame, places: tuple[np.ndarray, np.ndarray]
) -> dict[str, pa.Array]:
    start = events.months.to_numpy().astype("datetime64[m]")[rows["month"].to_numpy()]
    local = pd.DatetimeIndex(start + rows["minute"].to_numpy().astype("timedelta64[m]"))
    ambiguous = np.ones(len(local), dtype=bool)
    clock = local.tz_localize("Europe/London", ambiguous=ambiguous, nonexistent="shift_forward")
    minutes = clock.tz_convert("UTC").tz_localize(None).to_numpy().astype("datetime64[m]")
    groups, group = read_reference("ethnic_groups"), rows["group"].to_numpy()
    labels = [*groups["search_label"], "Other ethnic group - Not stated"]
    told = np.where(rows["self_missing"], len(groups), group)
    anchor = rows["lsoa"].to_numpy() * city.points.shape[1] + rows["point"].to_numpy() % 8
    placed = rows["is_placed"].to_numpy()
    nothing, power = np.zeros(len(rows), dtype=np.int64), rows["power"].to_numpy()
    bands = ["under 10", "10-17", "18-24", "25-34", "over 34"]
    band = np.searchsorted([10, 18, 25, 35], rows["age"].to_numpy(), side="right")
    blank = _pick([""], nothing)
    return {
        "Type": _pick(["Person search"], nothing),
        "Date": _stamp(minutes.astype(np.int64), "%Y-%m-%dT%H:%M:%S+00:00"),
        "Part of a policing operation": _pick(["False"], nothing),
        "Policing operation": blank,
        "Latitude": _pick(places[1], anchor, placed),
        "Longitude": _pick(places[0], anchor, placed),
        "Gender": _pick(["Female", "Male"], rows["sex"].to_numpy()),
        "Age range": _pick(bands, band, ~rows["age_missing"].to_numpy()),
        "Self-defined ethnicity": _pick(labels, told),
        "Officer-defined ethnicity": _pick(groups["search_observed"], group),
        "Legislation": _pick(_POWERS.values(), power),
        "Object of search": _pick(_POWERS.keys(), power),
        "Outcome": _pick(_SEARCH_OUTCOMES, rows["outcome"].to_numpy()),
        "Outcome linked to object of search": blank,
        "Removal of more than just outer clothing": blank,
    }
