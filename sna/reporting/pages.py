"""An executed notebook becomes one page: checked, arranged in sections, rendered by nbconvert."""

import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
from jinja2 import pass_context
from nbconvert.exporters import HTMLExporter, TemplateExporter
from nbformat import NotebookNode, v4
from traitlets.config import Config

from sna.errors import QualityError, SnaError
from sna.figures.figure import NUMBER_MARK, SENTENCE_MARK, TABLE_MIME

TEMPLATES = Path(__file__).parent.parent / "templates"
HIDDEN_TAGS = frozenset({"parameters", "injected-parameters", "setup"})
_HEADING = re.compile(r"<h([1-6])>(.*?)</h\1>", re.S)


@dataclass(frozen=True)
class Page:
    """One page to be rendered: file stem, short name for the menu, and its notebook."""

    name: str
    title: str
    notebook: NotebookNode


def slug(text: str) -> str:
    """Return a heading as an id: `What this cannot tell you?` -> what-this-cannot-tell-you."""
    plain = re.sub(r"<[^>]+>|[`*_]", "", html.unescape(text)).lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or "section"


class ReportExporter(HTMLExporter):
    """nbconvert's HTML exporter with our template, and without its second parse of the page.

    That parse lower-cases `viewBox` and gives images a meaningless text alternative; here an image
    without one has been refused before.
    """

    def __init__(self) -> None:
        super().__init__(
            config=Config(),
            template_name="sna",
            extra_template_basedirs=[str(TEMPLATES)],
            exclude_input=True,
            exclude_anchor_links=True,
        )

    def default_filters(self) -> Iterable[tuple[str, Any]]:
        """Give nbconvert's filters, with ids on headings and without JavaScript or widgets."""
        yield from super().default_filters()
        yield "filter_data_type", lambda data: ["text/html"] if "text/html" in data else []
        yield "highlight_code", html.escape

    @pass_context
    def markdown2html(self, context: Any, source: str) -> str:
        """Render Markdown, each heading with the id that the contents list links to."""
        return _HEADING.sub(
            lambda found: f'<h{found[1]} id="{slug(found[2])}">{found[2]}</h{found[1]}>',
            super().markdown2html(context, source),
        )

    def from_notebook_node(
        self, nb: NotebookNode, resources: dict[str, Any] | None = None, **kw: Any
    ) -> tuple[Any, dict[str, Any]]:
        """Render through the template only."""
        return TemplateExporter.from_notebook_node(self, nb, resources, **kw)


@cache
def exporter() -> ReportExporter:
    """Return the one exporter of this process; making it is dearer than using it."""
    return ReportExporter()


def check_executed(notebook: NotebookNode, where: str) -> None:
    """Raise unless every output of an executed notebook can stand in a report."""
    papermill = notebook.metadata.get("papermill", {})
    if papermill.get("exception"):
        raise SnaError("A notebook stopped with an error; no page is made of it.", where=where)
    for number, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            _check_output(output, f"{where}, cell {number + 1}")


def _check_output(output: NotebookNode, where: str) -> None:
    kind, do = output.output_type, "Mend the notebook; tell the reader in Data quality instead."
    if kind == "error":
        raise SnaError(
            "A notebook stopped with an error; no page is made of it.",
            where=where,
            found=f"{output.ename}: {output.evalue}",
            do="Open the notebook in JupyterLab with the same parameters and run the cell.",
        )
    if kind == "stream":
        raise SnaError(
            f"A cell wrote to {output.name}; a page would drop it in silence.",
            where=where,
            found=str(output.text).strip()[:300],
            do=do,
        )
    if "text/html" not in output.data:
        raise QualityError(
            "A cell's output has no accessible HTML form; a page would drop it in silence.",
            where=where,
            found=sorted(output.data),
            do="Show it through sna.figures or sna.narrative, or end the line with a semicolon.",
        )


def tables_of(notebook: NotebookNode) -> list[dict[str, Any]]:
    """Return the tables behind the figures of a notebook, in the order a reader meets them."""
    return [
        dict(output.data[TABLE_MIME])
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if TABLE_MIME in output.get("data", {})
    ]


def arrange(notebook: NotebookNode, *, with_code: bool = False) -> NotebookNode:
    """Return a copy ready for the template: numbered figures, sentences in place, sections."""
    cells = [
        NotebookNode(cell_type=c.cell_type, source=c.source, outputs=_html_outputs(c), code="")
        for c in notebook.cells
        if not HIDDEN_TAGS & set(c.metadata.get("tags", []))
    ]
    cells = _place_sentences([c for c in cells if c.cell_type == "markdown" or c.outputs])
    counts = {"figure": 0, "table": 0}
    for cell in cells:
        for output in cell.outputs:
            _number(output, counts)
    return v4.new_notebook(cells=_sections(cells, with_code=with_code))


def _html_outputs(cell: NotebookNode) -> list[NotebookNode]:
    return [
        v4.new_output("display_data", data={
            "text/html": "".join(o.data["text/html"]),
            TABLE_MIME: o.data.get(TABLE_MIME),
        })
        for o in cell.get("outputs", [])
    ]  # fmt: skip


def _place_sentences(cells: list[NotebookNode]) -> list[NotebookNode]:
    """Move the paragraph that follows a figure between its picture and its data table."""
    kept: list[NotebookNode] = []
    for cell in cells:
        last = kept[-1].outputs[-1].data if kept and kept[-1].get("outputs") else {}
        said = "".join(output.data["text/html"] for output in cell.outputs)
        waits = SENTENCE_MARK in last.get("text/html", "")
        if waits and said.lstrip().startswith("<p") and not any(
            output.data[TABLE_MIME] for output in cell.outputs
        ):  # fmt: skip
            last["text/html"] = last["text/html"].replace(SENTENCE_MARK, said)
            kept[-1].source += "\n" + cell.source
        else:
            kept.append(cell)
    return kept


def _number(output: NotebookNode, counts: dict[str, int]) -> None:
    table = output.data.pop(TABLE_MIME)
    text = output.data["text/html"].replace(SENTENCE_MARK, "")
    if table:
        counts[table["kind"]] += 1
        word = f"{table['kind'].capitalize()} {counts[table['kind']]}: "
        text = text.replace(NUMBER_MARK, word)
    output.data["text/html"] = text


def _sections(cells: list[NotebookNode], *, with_code: bool) -> list[NotebookNode]:
    """Turn cells into nbformat cells that know where a section opens and closes."""
    made: list[NotebookNode] = []
    code: list[str] = []
    for cell in cells:
        heading = re.match(r"##\s+(.+)", cell.source) if cell.cell_type == "markdown" else None
        mark: dict[str, Any] = {"front": not made}
        if heading:
            _close(made, code)
            mark |= {"open": slug(heading[1]), "heading": heading[1].strip()}
        if cell.cell_type == "markdown":
            node = v4.new_markdown_cell(cell.source)
        else:
            node = v4.new_code_cell("", outputs=cell.outputs)
            code += [cell.source] if with_code else []
        node.metadata["sna"] = mark
        made.append(node)
    _close(made, code)
    return made


def _close(made: list[NotebookNode], code: list[str]) -> None:
    opened = [cell.metadata.sna for cell in made if cell.metadata.sna.get("open")]
    if opened:
        made[-1].metadata.sna |= {
            "close": True, "code": "\n\n".join(code), "heading": opened[-1]["heading"],
        }  # fmt: skip
    code.clear()


def contents(notebook: NotebookNode) -> list[dict[str, str]]:
    """Return id and title of every section of an arranged notebook."""
    marks = [cell.metadata.sna for cell in notebook.cells]
    return [{"id": m["open"], "title": m["heading"].strip("`*")} for m in marks if m.get("open")]


def render_page(page: Page, front: Mapping[str, Any], menu: Iterable[Page] = ()) -> str:
    """Return one page as HTML.

    Parameters
    ----------
    page
        What to render; its notebook is checked first.
    front
        What stands on every page of a run; see `sna.reporting.front`.
    menu
        The pages of the same report, for the links at the top.
    """
    check_executed(page.notebook, f"notebook {page.name}")
    arranged = arrange(page.notebook, with_code=front["edition"] == "partner")
    links = [
        {"href": f"{other.name}.html", "title": other.title, "current": other.name == page.name}
        for other in menu
    ]
    head = f"{front['marking']}: {page.title}, {front['place']}, {front['period']}"
    filled = dict(front) | {
        "pages": links,
        "contents": contents(arranged),
        "head_title": head,
        "running": f"{front['place']}: {page.title}",
    }
    text, _ = exporter().from_notebook_node(arranged, {"sna": filled})
    return _mend_links(text)


def _mend_links(text: str) -> str:
    """Point `#level` at the section whose id starts so; without one the link becomes text."""
    known = re.findall(r'\bid="([^"]+)"', text)

    def mend(found: re.Match[str]) -> str:
        target = find_anchor(found[1], known)
        return f'<a href="#{target}">{found[2]}</a>' if target else found[2]

    return re.sub(r'<a href="#([^"]+)">(.*?)</a>', mend, text, flags=re.S)


def find_anchor(anchor: str, known: Iterable[str]) -> str:
    """Return the id that `anchor` means: itself, or the first that begins with its words."""
    ids = list(known)
    starts = (name for name in ids if name.startswith(f"{anchor}-"))
    return anchor if anchor in ids else next(starts, "") if anchor else ""


def read_notebook(path: Path) -> NotebookNode:
    """Read a notebook in the current format."""
    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
