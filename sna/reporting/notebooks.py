"""Notebooks: where they are, which parameters they take, and how they are run."""

import ast
import logging
import os
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import papermill
from nbformat import NotebookNode
from papermill.exceptions import PapermillExecutionError
from traitlets.config import Config

from sna.errors import SnaError, UsageError
from sna.reporting.pages import read_notebook

REPORTS = {  # notebook -> its name in the menu
    "01_definition": "Definition",
    "02_trend": "Trend",
    "03_hotspots": "Places",
    "04_disproportionality": "People",
}
PARAMETERS = ("borough", "end_month", "edition", "profile")
_PACKAGE = Path(__file__).parent.parent


def notebook_path(name: str) -> Path:
    """Return the path of a notebook: beside the package in a checkout, inside it in a wheel."""
    for folder in (_PACKAGE.parent / "notebooks", _PACKAGE / "notebooks"):
        if (folder / f"{name}.ipynb").is_file():
            return folder / f"{name}.ipynb"
    raise UsageError(
        f"There is no notebook {name}.", where="notebooks", do="Reinstall sna, or check the name."
    )


def choose_notebooks(only: str = "") -> list[str]:
    """Return the notebooks meant by `trend,hotspots`; all of them when nothing is said."""
    short = {name.split("_", 1)[1]: name for name in REPORTS}
    wanted = [word.strip() for word in only.split(",") if word.strip()]
    for word in wanted:
        if word not in short and word not in REPORTS:
            near = get_close_matches(word, [*short, *REPORTS], n=1)
            raise UsageError(
                f"No report is called {word!r}.",
                where="--only",
                found=word,
                do=f"Did you mean {near[0]}?" if near else f"Choose from: {', '.join(short)}.",
            )
    chosen = {short.get(word, word) for word in wanted}
    return [name for name in REPORTS if not chosen or name in chosen]


def notebook_parameters(notebook: NotebookNode) -> set[str]:
    """Return the names assigned in the cell tagged `parameters`."""
    source = "\n".join(
        cell.source for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])
    )
    return {
        target.id
        for node in ast.parse(source).body
        for target in (
            node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", 0)]
        )
        if isinstance(target, ast.Name)
    }


def check_parameters(notebook: NotebookNode, parameters: Mapping[str, Any], where: str) -> None:
    """Raise `UsageError` unless a notebook takes exactly these parameters."""
    takes = notebook_parameters(notebook)
    unknown, missing = set(parameters) - takes, takes - set(parameters)
    if unknown or missing:
        raise UsageError(
            f"{where} does not take {len(unknown)} of the parameters given and lacks "
            f"{len(missing)} that it needs.",
            where=f"{where}, cell tagged parameters",
            found=sorted(unknown | missing),
            do=f"It takes: {', '.join(sorted(takes)) or 'none'}.",
        )


def run_notebook(
    path: Path,
    parameters: Mapping[str, Any],
    *,
    executed: Path,
    processed: Path,
    kernel_name: str = "python3",
    timeout_s: int = 600,
) -> NotebookNode:
    """Run one notebook with papermill and return it; the executed copy is kept for the analyst.

    The store is handed over in the environment of this process (`SNA_PROCESSED`), the same for
    every notebook of a run.
    """
    notebook = read_notebook(path)
    check_parameters(notebook, parameters, path.stem)
    executed.parent.mkdir(parents=True, exist_ok=True)
    os.environ["SNA_PROCESSED"] = str(processed.resolve())
    logging.getLogger("papermill").setLevel(logging.ERROR)
    own = {} if os.name == "nt" else {"KernelManager": {"transport": "ipc"}}
    try:
        return papermill.execute_notebook(
            notebook,
            str(executed),
            parameters=dict(parameters),
            kernel_name=kernel_name,
            progress_bar=False,
            request_save_on_cell_execute=False,
            execution_timeout=timeout_s,
            config=Config(own | {f"Async{name}": value for name, value in own.items()}),
        )
    except PapermillExecutionError as error:
        raise SnaError(
            "A notebook stopped with an error; no page is made of it.",
            where=f"notebook {path.stem}, cell {error.cell_index + 1}",
            found=f"{error.ename}: {error.evalue}"[:600],
            do="Open the notebook in JupyterLab with the same parameters and run that cell.",
        ) from None
