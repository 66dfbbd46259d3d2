"""Where work runs: two threads here, or a Dask cluster that sees the same folders."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from sna.errors import SnaError

Run = Callable[[Callable[..., Any], Iterable[Any], tuple[Any, ...]], Iterator[Any]]


@contextmanager
def start_workers(scheduler: str = "", *, workers: int = 2) -> Iterator[Run]:
    """Give ``run(function, items, shared)``: results in order, each of one item and what is shared.

    ``scheduler`` is an address or ``local``; a lost worker's items are repeated elsewhere.
    """
    if not scheduler:
        with ThreadPoolExecutor(workers) as pool:
            yield lambda function, items, shared: pool.map(lambda i: function(i, *shared), items)
        return
    with connect(scheduler, workers=workers) as client:

        def run(function: Callable[..., Any], items: Iterable[Any], shared: tuple[Any, ...]) -> Any:
            sent = client.scatter(list(shared), broadcast=True, hash=False) if shared else []
            found = [client.submit(function, i, *sent, retries=2, pure=False) for i in items]
            return (future.result() for future in found)

        yield run


@contextmanager
def connect(scheduler: str, *, workers: int = 2) -> Iterator[Any]:
    """Give a client of a Dask scheduler, or of a cluster of this machine for ``local``."""
    import dask
    from distributed import Client, LocalCluster

    with dask.config.set({"distributed.worker.daemon": False}):  # so that workers may fork kernels
        local = scheduler == "local"
        size = {"n_workers": workers, "threads_per_worker": 1}
        cluster: Any = LocalCluster(**size, dashboard_address=":0") if local else scheduler
        try:
            client = Client(cluster, timeout="10s")
        except (OSError, ValueError):
            do = "Start it with `dask scheduler`, or use --workers or none."
            what = "The Dask scheduler does not answer."
            raise SnaError(what, where="--scheduler", found=scheduler, do=do) from None
        try:
            yield client
        finally:
            client.close()
            if local:
                cluster.close()
