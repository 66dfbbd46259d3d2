"""The index across boroughs: a tile map and a table of what has been reported."""

import json
from pathlib import Path

import sna
from sna.definitions import boroughs
from sna.reporting.borough import check_pages
from sna.reporting.pages import render_page, slug
from sna.reporting.summary import written_page


def render_london(reports: Path, edition: str = "public") -> Path | None:
    """Write the index of all boroughs that have reports of an edition; None when there are none."""
    tiles, runs = [], []
    for row in boroughs().itertuples():
        folder = f"{slug(str(row.borough_name))}/{edition}"
        record = reports / folder / "run.json"
        run = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
        runs += [run] if run else []
        tiles.append(
            {
                "name": row.borough_name,
                "row": row.tile_row,
                "column": row.tile_column,
                "link": f"{folder}/index.html" if run else "",
                "head": run.get("headline") or {},
                "until": run.get("parameters", {}),
            }
        )
    if not runs:
        return None
    measures = sorted({tile["head"]["measure"] for tile in tiles if tile["head"]})
    name = "index" if edition == "public" else f"index-{edition}"
    page = written_page("london", "London", tiles=tiles, measures=measures, count=len(runs))
    head = {
        "edition": edition, "place": "London boroughs", "facts": {}, "draft": "", "contact": "",
        "marking": runs[0]["marking"], "version": sna.__version__, "home": "",
        "period": f"data to {max(run['parameters']['end_month'] for run in runs)}",
        "simulated": any(run["simulated"] for run in runs),
    }  # fmt: skip
    path = reports / f"{name}.html"
    path.write_text(render_page(page, head), encoding="utf-8", newline="")
    check_pages(path)
    return path
