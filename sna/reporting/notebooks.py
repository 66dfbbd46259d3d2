"""Notebooks: where they are, which parameters they take, and how they are run."""

import ast
import logging
import os
import tempfile
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import nbformat
import papermill
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from papermill.exceptions import PapermillExecutionError
from traitlets.config import Config

from sna.errors import SnaError, UsageError

REPORTS = {  # notebook -> its name in the menu
    "01_definition": "Definition",
    "02_trend": "Trend",
    "02a_trend_appendix": "Trend, appendix",
    "03_hotspots": "Places",
    "03a_hotspots_appendix": "Places, appendix",
    "03b_hotspots_records": "Places, records",
    "04_disproportionality": "People",
    "04a_disproportionality_appendix": "People, appendix",
}
PARAMETERS = ("borough", "end_month", "edition", "profile")
_PACKAGE = Path(__file__).parent.parent


def notebook_path(name: str) -> Path:
    """Return the path of a notebook: beside the package in a checkout, inside it in a wheel."""
    for folder in (_PACKAGE.parent / "notebooks", _PACKAGE / "notebooks"):
        if (folder / f"{name}.ipynb").is_file():
            return folder / f"{name}.ipynb"
    raise UsageError(f"There is no notebook {name}.", where="notebooks", do="Reinstall sna.")


def choose_notebooks(only: str = "") -> list[str]:
    """Return the notebooks meant by `trend,hotspots`; all of them when nothing is said."""
    short = {name.split("_", 1)[1]: name for name in REPORTS} | {name: name for name in REPORTS}
    wanted = [word.strip() for word in only.split(",") if word.strip()]
    for word in (word for word in wanted if word not in short):
        near = get_close_matches(word, short, n=1)
        do = f"Did you mean {near[0]}?" if near else f"Choose from: {', '.join(short)}."
        raise UsageError(f"No report is called {word!r}.", where="--only", found=word, do=do)
    chosen = {short[word] for word in wanted} or set(REPORTS)
    return [name for name in REPORTS if name in chosen]


def notebook_parameters(notebook: NotebookNode) -> set[str]:
    """Return the names assigned in the cell tagged `parameters`."""
    tagged = (c.source for c in notebook.cells if "parameters" in c.metadata.get("tags", []))
    nodes = ast.walk(ast.parse("\n".join(tagged)))
    return {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def check_parameters(notebook: NotebookNode, parameters: Mapping[str, Any], where: str) -> None:
    """Raise `UsageError` unless a notebook takes exactly these parameters (papermill only logs)."""
    takes = notebook_parameters(notebook)
    if wrong := takes ^ set(parameters):
        raise UsageError(
            f"{len(wrong)} parameters are unknown to this notebook or missing for it.",
            where=f"{where}, cell tagged parameters", found=sorted(wrong),
            do=f"It takes: {', '.join(sorted(takes)) or 'none'}.",
        )  # fmt: skip


def run_notebook(
    path: Path, parameters: Mapping[str, Any], *, executed: Path, kernel_name: str = "python3",
    timeout_s: int = 0,
) -> NotebookNode:  # fmt: skip
    """Run one notebook with papermill and return it; the executed copy is kept for the analyst."""
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    check_parameters(notebook, parameters, path.stem)
    executed.parent.mkdir(parents=True, exist_ok=True)
    logging.getLogger("papermill").setLevel(logging.ERROR)
    # Inter-process pipes need no port and no warning about unencrypted ones; Windows has none.
    folder = tempfile.TemporaryDirectory(prefix="sna-")  # pipes of this kernel alone
    own = {"transport": "ipc", "ip": f"{folder.name}/kernel"} if os.name != "nt" else {}
    timeout_s = timeout_s or int(os.environ.get("SNA_CELL_TIMEOUT_S", "600"))
    running = executed.with_name(f"{executed.stem}.running.ipynb")  # the last good copy stays
    try:
        made = papermill.execute_notebook(
            notebook, str(running), parameters=dict(parameters), kernel_name=kernel_name,
            progress_bar=False, request_save_on_cell_execute=False, execution_timeout=timeout_s,
            config=Config({"KernelManager": own, "AsyncKernelManager": own}),
        )  # fmt: skip
        running.replace(executed)
        return made
    except PapermillExecutionError as error:
        raise SnaError(
            "A notebook stopped with an error; no page is made of it.",
            where=f"notebook {path.stem}, cell {error.cell_index + 1}",
            found=f"{error.ename}: {error.evalue}"[:600],
            do="Open the notebook in JupyterLab with the same parameters and run that cell.",
        ) from None
    except (CellTimeoutError, DeadKernelError) as error:
        slow = isinstance(error, CellTimeoutError)
        raise SnaError(
            f"A cell ran for more than {timeout_s} seconds." if slow else "The kernel has died.",
            where=f"notebook {path.stem}, {_cell_in_hand(running)}", found=type(error).__name__,
            do="Look for a cell without an end, or for a shortage of memory, and run it again.",
        ) from None  # fmt: skip
    finally:
        folder.cleanup()


def last_run(executed: Path, parameters: Mapping[str, Any]) -> NotebookNode | None:
    """Return the executed copy of the last good run if it had the same parameters."""
    if not executed.is_file():
        return None
    notebook = nbformat.read(executed, as_version=4)  # type: ignore[no-untyped-call]
    same = notebook.metadata.get("papermill", {}).get("parameters") == dict(parameters)
    return notebook if same else None


def _cell_in_hand(executed: Path) -> str:
    """Return the cell that was running when papermill gave up."""
    try:
        cells = nbformat.read(executed, as_version=4).cells  # type: ignore[no-untyped-call]
    except (OSError, ValueError):
        return "before its first cell"
    marks = [cell.metadata.get("papermill", {}).get("status") for cell in cells]
    return f"cell {marks.index('running') + 1}" if "running" in marks else "cell not known"
