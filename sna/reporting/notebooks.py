"""Notebooks: where they are, which parameters they take, and how they are run."""

import ast
import logging
import os
import re
from collections.abc import Mapping
from difflib import get_close_matches
from html import escape
from pathlib import Path
from typing import Any

import nbformat
import papermill
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode, v4
from papermill.exceptions import PapermillExecutionError
from traitlets.config import Config

from sna.errors import NothingToShowError, SnaError, UsageError
from sna.figures.about import Note, show_findings, show_run
from sna.figures.figure import EMPTY_MARK
from sna.narrative.prose import KeyFindings
from sna.store.files import working_folder

REPORTS = {  # notebook -> its name in the menu
    "01_definition": "Definition",
    "01a_definition_appendix": "Definition, appendix",
    "02_trend": "Trend",
    "02a_trend_appendix": "Trend, appendix",
    "02b_trend_groups": "Trend, groups",
    "03_hotspots": "Places",
    "03a_hotspots_appendix": "Places, appendix",
    "03b_hotspots_records": "Places, records",
    "04_disproportionality": "People",
    "04a_disproportionality_appendix": "People, appendix",
    "04b_disproportionality_cohorts": "People, places and ages",
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
        what = f"{len(wrong)} parameters are unknown to this notebook or missing for it."
        do = f"It takes: {', '.join(sorted(takes)) or 'none'}."
        raise UsageError(what, where=f"{where}, cell tagged parameters", found=sorted(wrong), do=do)


def _read(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]


def _timeout_s() -> int:
    said = os.environ.get("SNA_CELL_TIMEOUT_S", "600")
    if not said.isdecimal() or not int(said):
        what, do = "The time that a cell may take is no number of seconds.", "Give seconds: 600."
        raise UsageError(what, where="SNA_CELL_TIMEOUT_S", found=said, do=do)
    return int(said)


def run_notebook(
    path: Path, parameters: Mapping[str, Any], *, executed: Path, kernel_name: str = "python3"
) -> NotebookNode:
    """Run one notebook with papermill and return it; the executed copy is kept for the analyst."""
    notebook = _read(path)
    check_parameters(notebook, parameters, path.stem)
    executed.parent.mkdir(parents=True, exist_ok=True)
    logging.getLogger("papermill").setLevel(logging.ERROR)
    timeout_s = _timeout_s()
    running = executed.with_name(f"{executed.stem}.running.ipynb")  # the last good copy stays
    options: Any = {"progress_bar": False, "request_save_on_cell_execute": False}
    options |= {"execution_timeout": timeout_s, "kernel_name": kernel_name}
    # Inter-process pipes need no port and no warning about unencrypted ones; Windows has none.
    with working_folder() as pipes:
        own = {"transport": "ipc", "ip": f"{pipes}/kernel"} if os.name != "nt" else {}
        options["config"] = Config({"KernelManager": own, "AsyncKernelManager": own})
        try:
            made = papermill.execute_notebook(notebook, str(running), dict(parameters), **options)
        except (PapermillExecutionError, CellTimeoutError, DeadKernelError) as error:
            raise _failure(error, path.stem, running, timeout_s) from None
    running.replace(executed)
    return made


def _failure(error: Exception, name: str, running: Path, timeout_s: int) -> SnaError:
    """Say which cell failed, and how."""
    if isinstance(error, PapermillExecutionError):
        if error.ename == NothingToShowError.__name__:
            return NothingToShowError(error.evalue.splitlines()[0], where=f"notebook {name}")
        where = f"notebook {name}, cell {error.cell_index + 1}"
        found = f"{error.ename}: {error.evalue}"[:600]
        do = "Open the notebook in JupyterLab with the same parameters and run that cell."
        what = "A notebook stopped with an error; no page is made of it."
        return SnaError(what, where=where, found=found, do=do)
    slow = f"A cell ran for more than {timeout_s} seconds."
    what = slow if isinstance(error, CellTimeoutError) else "The kernel has died."
    do = "Look for a cell without an end, or for a shortage of memory, and run it again."
    marks = []
    if running.is_file():  # papermill saves what it has, with the status of each cell
        marks = [c.metadata.get("papermill", {}).get("status") for c in _read(running).cells]
    cell = f"cell {marks.index('running') + 1}" if "running" in marks else "cell not known"
    return SnaError(what, where=f"notebook {name}, {cell}", found=type(error).__name__, do=do)


def explain_notebook(
    path: Path, parameters: Mapping[str, Any], *, why: str, data: Any, executed: Path
) -> NotebookNode:
    """Return a notebook in place of one whose run ended: its words, and in each section why.

    It is kept as the executed copy, since what an earlier run showed is no longer in the data.
    """
    notebook, section = _read(path), ""
    notebook.metadata["papermill"] = {"parameters": dict(parameters)}
    note = f'{EMPTY_MARK}<p class="sna-note">Nothing can be shown here. {escape(why)}</p>'
    made: dict[str, Any] = {"Key findings": KeyFindings((why,))}
    made |= {"Data quality": show_findings(data), "About this run": show_run(data)}
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            section = (re.findall(r"^## (.+)$", cell.source, re.M) or [section])[-1]
        elif not cell.metadata.get("tags"):
            shown = made.get(section, Note(note))
            html = {"text/html": shown._repr_html_()}
            cell.outputs = [v4.new_output("display_data", data=html)]
    nbformat.write(notebook, executed)
    return notebook


def last_run(executed: Path, parameters: Mapping[str, Any]) -> NotebookNode | None:
    """Return the executed copy of the last good run if it had the same parameters."""
    notebook = _read(executed) if executed.is_file() else None
    same = notebook and notebook.metadata.get("papermill", {}).get("parameters") == dict(parameters)
    return notebook if same else None
