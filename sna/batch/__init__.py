"""Many boroughs: plan, workers, resume, Dask."""
