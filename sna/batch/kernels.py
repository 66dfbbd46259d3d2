"""Jupyter kernels forked from one process that has already imported everything.

Starting Python and importing the libraries costs more than a notebook's own work. Python's own
fork server imports them once; every kernel is then a fresh fork of it, so that no borough sees
another's variables. Where fork is not to be had, ordinary kernels run.
"""

import importlib
import multiprocessing
import os
import sys
from functools import partial
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning import KernelProvisionerFactory, LocalProvisioner

from sna.build.workers import end_with_parent, no_main

NAME = "sna-forked"
MEMORY_LIMIT = "SNA_KERNEL_MEMORY_MB"  # address space of one kernel, in MiB
_INLINE = "module://matplotlib_inline.backend_inline"


def can_fork() -> bool:
    """Say whether kernels can be forked here: Linux, and a process that may have children."""
    return sys.platform == "linux" and not multiprocessing.current_process().daemon


def use_forked_kernels() -> None:
    """Let every kernel that this process starts be a fork, papermill's among them."""
    if not can_fork():
        return
    from multiprocessing import forkserver

    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # many kernels share the cores
    multiprocessing.get_context("forkserver").set_forkserver_preload(["sna.batch.preload"])
    forkserver.ensure_running()
    factory = KernelProvisionerFactory.instance()
    if NAME not in factory.provisioners:  # an installation older than our entry point
        target, group = f"{__name__}:ForkedKernelProvisioner", KernelProvisionerFactory.GROUP_NAME
        factory.provisioners[NAME] = EntryPoint(NAME, target, group)
    factory.default_provisioner_name = NAME


def kill_kernels() -> None:
    """Kill every forked kernel that still runs."""
    for process in multiprocessing.active_children():
        if process.name == NAME:
            process.kill()


class ForkedKernelProvisioner(LocalProvisioner):
    """Entry point ``sna-forked`` of Jupyter's kernel provisioners."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Fork a kernel; a kernel of another language, or no fork here, starts as usual."""
        if not can_fork() or "ipykernel_launcher" not in cmd:
            return await super().launch_kernel(cmd, **kwargs)
        arguments = cmd[cmd.index("ipykernel_launcher") + 1 :]
        environment, folder = dict(kwargs.get("env") or os.environ), kwargs.get("cwd") or Path.cwd()
        forked: Any = multiprocessing.get_context("forkserver").Process(
            target=run_kernel, args=(arguments, environment, str(folder)), name=NAME, daemon=True
        )
        with no_main():
            forked.start()
        forked.stdin = forked.stdout = forked.stderr = None  # a `Popen`, as its users see it
        forked.poll = lambda: forked.exitcode
        forked.wait = lambda: forked.join() or forked.exitcode
        forked.send_signal = partial(_send, forked)
        self.process, self.pid = forked, forked.pid
        return self.connection_info


def _send(process: Any, number: int) -> None:
    if process.is_alive():
        os.kill(process.pid, number)


def run_kernel(arguments: list[str], environment: dict[str, str], folder: str) -> None:
    """Turn this forked process into a Jupyter kernel."""
    os.setsid()  # Ctrl-C belongs to the run, not to its kernels
    end_with_parent()
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    if limit := int(environment.get(MEMORY_LIMIT) or 0):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (limit << 20, limit << 20))
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    # matplotlib read its settings in the parent; an ordinary kernel would take them from here
    matplotlib = importlib.import_module("matplotlib")
    matplotlib.rcParams["backend"] = environment.get("MPLBACKEND", _INLINE)
    from ipykernel.kernelapp import IPKernelApp

    application = IPKernelApp.instance()
    application.initialize([*arguments, "--HistoryManager.enabled=False"])
    application.start()
