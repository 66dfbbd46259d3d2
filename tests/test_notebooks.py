import ast
import re
from pathlib import Path

import nbformat
import pytest

from sna.definitions import boroughs
from sna.reporting.notebooks import PARAMETERS, REPORTS, notebook_parameters

FOLDER = Path(__file__).parent.parent / "notebooks"
PATHS = sorted(FOLDER.glob("*.ipynb"))
ENDING = ["What this cannot tell you", "Data quality", "Definitions and methods", "About this run"]
FORBIDDEN = (ast.FunctionDef, ast.ClassDef, ast.For, ast.While, ast.Lambda, ast.ListComp)
# A result typed in words: a percentage, a number with thousands, a count of things.
RESULT = re.compile(
    r"\d+(?:\.\d+)?\s?(?:%|per cent)|\d,\d{3}|"
    r"\b\d+ (?:recorded |more |fewer )?(?:offences|people|victims|suspects|searches|wards)\b"
)
LEVELS = re.compile(r"\b(?:80|90|95|99|99\.8)\s?%|per \d[\d,]*")  # levels and units are no results


@pytest.fixture(params=PATHS, ids=lambda path: path.stem)
def notebook(request):
    return nbformat.read(request.param, as_version=4)


def tagged(notebook, tag):
    return [c for c in notebook.cells if tag in c.metadata.get("tags", [])]


def test_there_is_a_template_and_every_listed_report_that_exists_is_listed_once():
    assert FOLDER / "00_template.ipynb" in PATHS
    assert {path.stem for path in PATHS} - {"00_template", "05_place"} <= set(REPORTS)


def test_cells_are_few_and_short_and_stored_without_outputs(notebook):
    assert len(notebook.cells) <= 30
    for cell in notebook.cells:
        assert cell.cell_type in ("markdown", "code") and cell.id
        if cell.cell_type == "code":
            assert len(cell.source.splitlines()) <= 10, cell.source
            assert cell.outputs == [] and cell.execution_count is None
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)


def test_the_title_is_a_question_and_the_sections_end_alike(notebook):
    headings = [
        line for cell in notebook.cells if cell.cell_type == "markdown"
        for line in re.findall(r"^#{1,2} .+$", cell.source, re.M)
    ]  # fmt: skip
    assert headings[0].startswith("# ") and headings[0].endswith("?")
    assert [h for h in headings if h.startswith("# ")] == headings[:1]
    assert headings[1] == "## Key findings"
    assert [h[3:] for h in headings[-4:]] == ENDING


def test_parameters_are_typed_literals_with_help(notebook):
    (cell,) = tagged(notebook, "parameters")
    assert set(PARAMETERS) <= notebook_parameters(notebook) <= {*PARAMETERS, "area"}
    for line in cell.source.splitlines():
        value, _, words = line.partition("  # ")
        assert len(words) > 10, line
        ast.literal_eval(value.split("=", 1)[1].strip())
    assert notebook.cells.index(cell) == 1


def test_setup_imports_and_loads_and_nothing_else_does(notebook):
    setup = tagged(notebook, "setup")
    assert [notebook.cells.index(cell) for cell in setup] == [2, 3]
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell not in setup:
            assert not re.search(
                r"\bimport\b|\bload_|read_|open\(|Path|\.csv|\.parquet", cell.source
            )


def test_a_notebook_tells_and_sna_computes(notebook):
    for cell in notebook.cells:
        if cell.cell_type == "code":
            found = [n for n in ast.walk(ast.parse(cell.source)) if isinstance(n, FORBIDDEN)]
            assert not found, cell.source
            assert not re.search(r"\.merge\(|\.join\(|plt\.|style", cell.source)


def test_no_result_and_no_place_is_typed_in_words(notebook):
    names = list(boroughs()["borough_name"])
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            text = LEVELS.sub("", cell.source)
            assert not RESULT.search(text), RESULT.search(text)
            assert not [name for name in names if re.search(rf"\b{name}\b", text)]


def test_at_most_eight_figures(notebook):
    code = "\n".join(c.source for c in notebook.cells if c.cell_type == "code")
    most = 12 if "Appendix" in notebook.cells[0].source else 8  # an appendix holds the rest
    assert len(re.findall(r"figures\.show(?!_findings|_run)", code)) <= most
    assert "figures.show_findings(data)" in code and "figures.show_run(data)" in code
