"""Reports of an invented house in a process of its own: ``python run_house.py REPORTS CODES``.

Dask workers load this module too, so that they answer as the house does.
"""

import os
import sys
from pathlib import Path

from report_fixture import Borough

from sna import store
from sna.batch import plan_jobs, run_reports
from sna.definitions import find_borough
from sna.reporting import notebooks
from sna.settings import Settings

HOUSE = Path(os.environ["SNA_TEST_HOUSE"])

store.load_borough = lambda text, **given: Borough(*find_borough(text))
notebooks.notebook_path = lambda name: HOUSE / f"{name}.ipynb"


def plan(reports, codes):
    """Plan one small report a borough."""
    return plan_jobs(codes, Settings(), only="02_trend", processed=HOUSE / "processed",
                     reports=Path(reports), to="2025-03")  # fmt: skip


if __name__ == "__main__":
    _, code = run_reports(plan(sys.argv[1], sys.argv[2:]), Settings(), workers=2, resume=True)
    sys.exit(code)
