"""The order of the tests."""

FIRST = ("test_scheduling", "test_browser", "test_batch_runs", "test_hotspots_simulation",
         "test_disclosure_audit", "test_reporting_bytes", "test_disproportionality_simulation",
         "test_sources_outside", "test_jupyterlab")  # fmt: skip


def pytest_collection_modifyitems(items):
    """Begin with the files that take minutes, so that no worker is left alone with one of them."""
    rank = {name: place for place, name in enumerate(FIRST)}
    items.sort(key=lambda item: rank.get(item.path.stem, len(FIRST)))
