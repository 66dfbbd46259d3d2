"""Draw small tables in a test: ``table("month | offences\\n2024-01 | 3")``."""

import io

import pandas as pd


def table(text: str, **kinds: str) -> pd.DataFrame:
    """Read a pipe-separated drawing into a DataFrame; ``kinds`` gives dtypes by column.

    Columns whose name ends in ``_code`` are text; ``month`` becomes a date.
    """
    lines = [line.strip().strip("|") for line in text.strip().splitlines() if line.strip()]
    lines = [line for line in lines if set(line) - set("-+| ")]
    header = [name.strip() for name in lines[0].split("|")]
    dtypes: dict[str, str] = {name: "str" for name in header if name.endswith("_code")}
    frame = pd.read_csv(
        io.StringIO("\n".join(lines)),
        sep=r"\s*\|\s*",
        engine="python",
        names=header,
        header=0,
        dtype={**dtypes, **kinds},  # type: ignore[arg-type]
        skipinitialspace=True,
    )
    if "month" in frame:
        frame = frame.assign(month=pd.to_datetime(frame["month"]))
    return frame
