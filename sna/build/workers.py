"""Where work runs: threads or processes here, or a Dask cluster that sees the same folders."""

import gc
import itertools
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from sna.errors import SnaError
from sna.store.files import working_folder

Run = Callable[[Callable[..., Any], Iterable[Any], tuple[Any, ...]], Iterator[Any]]
_STARTING = threading.Lock()
PROCESS_BYTES = 200 << 20  # from here on the work is much longer than processes take to start


@contextmanager
def start_workers(scheduler: str = "", *, workers: int = 2, size: int = 0) -> Iterator[Run]:
    """Give ``run(function, items, shared)``: results in order, each of one item and what is shared.

    ``scheduler`` is an address or ``local``; a lost worker's items are repeated elsewhere. Without
    one, threads do the work, and processes where ``size`` bytes are worth starting them.
    """
    if scheduler:
        with connect(scheduler, workers=workers) as client:

            def run(function: Callable[..., Any], items: Iterable[Any], shared: Any) -> Any:
                sent = client.scatter([*shared], broadcast=True, hash=False) if shared else []
                found = [client.submit(function, i, *sent, retries=2, pure=False) for i in items]
                return (future.result() for future in found)

            yield run
    elif size >= PROCESS_BYTES and not multiprocessing.current_process().daemon:  # which has none
        with _processes(workers) as run_in_processes:
            yield run_in_processes
    else:
        with ThreadPoolExecutor(workers) as pool:
            yield lambda function, items, shared: pool.map(lambda i: function(i, *shared), items)


@contextmanager
def _processes(workers: int) -> Iterator[Run]:
    """Run in processes, since pandas keeps one core busy: this one, and others beside it.

    Each of those reads what is shared once.
    """
    number, spawn = itertools.count(), multiprocessing.get_context("spawn")
    with (
        working_folder() as folder,
        ProcessPoolExecutor(workers - 1, spawn, _begin) as pool,
    ):
        others = multiprocessing.active_children()
        with no_main():
            for _ in range(workers - 1):  # each starts a process, as none is idle yet
                pool.submit(int)
        own = [process for process in multiprocessing.active_children() if process not in others]

        def run(function: Callable[..., Any], items: Iterable[Any], shared: Any) -> Any:
            path = folder / f"{next(number)}.pickle"
            path.write_bytes(pickle.dumps(shared))
            tasks = [(pool.submit(_call, function, path, item), item) for item in items]
            return _take_part(tasks, lambda item: function(item, *shared))

        often = gc.get_threshold()
        try:
            _collect_seldom()
            yield run
        except BaseException as error:
            for process in own:  # it would finish its file first
                process.kill()
            if not isinstance(error, BrokenProcessPool):
                raise
            what, do = "A process of the build was ended.", "Free memory, then run it again."
            raise SnaError(what, where="sna build", do=do) from None
        finally:
            gc.unfreeze()
            gc.set_threshold(*often)


def _take_part(tasks: list[tuple[Any, Any]], do: Callable[[Any], Any]) -> Iterator[Any]:
    """Give results in order; while one is waited for, do the last that nobody has begun."""
    done: dict[int, Any] = {}
    left = list(range(len(tasks)))
    for place, (future, _) in enumerate(tasks):
        while not future.done() and left:
            last = left.pop()
            if tasks[last][0].cancel():
                done[last] = do(tasks[last][1])
        yield done.pop(place) if place in done else future.result()


@contextmanager
def no_main() -> Iterator[None]:
    """Let processes start that do not first run the script that asked for them."""
    with _STARTING:
        main, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = main


def _begin() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the build, which ends this one
    end_with_parent()
    import_module("sna.build.parts")  # takes a second, in which the build looks at its folder
    _collect_seldom()


def _collect_seldom() -> None:
    """Let the collector pass over what is imported, and lists of thousands of words not wake it."""
    gc.freeze()
    gc.set_threshold(50_000, *gc.get_threshold()[1:])


def end_with_parent() -> None:
    """Let this process end when the one that started it is gone, however it went."""
    if parent := multiprocessing.parent_process():

        def watch() -> None:
            parent.join()
            os._exit(1)

        threading.Thread(target=watch, daemon=True).start()


def _call(function: Callable[..., Any], path: Path, item: Any) -> Any:
    return function(item, *_read_shared(path))


@lru_cache(maxsize=1)
def _read_shared(path: Path) -> Any:
    return pickle.loads(path.read_bytes())  # our own file, written a moment ago


class Awaited:
    """Stands for a value that is still being made, so that work which needs it late can begin.

    Asking it for anything waits for the file that `give` writes, which every worker sees; nobody
    waits longer than the file's folder, which belongs to one build, is there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> Any:
        return Awaited, (self._path,)

    def give(self, value: Any) -> None:
        """Hand the value over to all who wait, here and elsewhere."""
        self._value = value
        part = self._path.with_suffix(".part")
        part.write_bytes(pickle.dumps(value))
        part.replace(self._path)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # asked for by pickle and copy, which want no value
            raise AttributeError(name)
        return getattr(self._wait(), name)

    def _wait(self) -> Any:
        while "_value" not in vars(self):
            if self._path.exists():
                self._value = pickle.loads(self._path.read_bytes())  # our own file, of this build
            elif not self._path.parent.exists():
                raise FileNotFoundError("The build that this is work of has ended.")
            else:
                time.sleep(0.02)
        return self._value


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
            do = "Start it with `dask scheduler`, or leave --scheduler out."
            what = "The Dask scheduler does not answer."
            raise SnaError(what, where="--scheduler", found=scheduler, do=do) from None
        try:
            yield client
        finally:
            client.close()
            if local:
                cluster.close()
