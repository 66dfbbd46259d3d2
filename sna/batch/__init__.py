"""Many boroughs: plan, workers, resume, Dask. It does not know how a report is made."""

from sna.batch.plan import Job, plan_jobs
from sna.batch.run import run_reports

__all__ = ["Job", "plan_jobs", "run_reports"]
