"""Write small invented raw files whose headings are typed from the publishers' own."""

from pathlib import Path

STREET = (
    "Crime ID,Month,Reported by,Falls within,Longitude,Latitude,Location,LSOA code,LSOA name,"
    "Crime type,Last outcome category,Context"
)
WARD = "MajorText,MinorText,WardName,WardCode,LookUp_BoroughName"
BOROUGH = "MajorText,MinorText,BoroughName"
POLICE = "Metropolitan Police Service"


def street_row(
    number: int,
    *,
    month: str = "2024-01",
    lsoa: str = "E01000842",
    name: str = "Camden 001A",
    kind: str = "Robbery",
) -> str:
    """Return one street row without a point."""
    return (
        f"id{number},{month},{POLICE},{POLICE},,,On or near Invented Road,{lsoa},{name},{kind},"
        "Under investigation,"
    )


def write(folder: Path, name: str, *lines: str, encoding: str = "utf-8", end: str = "\n") -> Path:
    """Write lines as a text file below the folder."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes((end.join(lines) + end).encode(encoding))
    return path


EXTRACT_MAPPING = """
release_class = "restricted"
[columns]
crime_ref = "Ref"
recorded_date = "Date"
offence_code = "Code"
victim_age = "Age"
victim_id = "Victim"
borough_name = "Borough"
"""
