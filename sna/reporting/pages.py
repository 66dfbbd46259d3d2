"""An executed notebook becomes one page: checked, arranged in sections, rendered by nbconvert."""

import html
import re
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import pass_context
from nbconvert.exporters import HTMLExporter, TemplateExporter
from nbformat import NotebookNode, v4
from traitlets.config import Config

from sna.errors import QualityError, SnaError
from sna.figures.figure import EMPTY_MARK, NUMBER_MARK, SENTENCE_MARK, TABLE_MIME

TEMPLATES = Path(__file__).parent.parent / "templates"
HIDDEN_TAGS = frozenset({"parameters", "injected-parameters", "setup"})
_HEADING = re.compile(r"<h([1-6])>(.*?)</h\1>", re.S)


@dataclass(frozen=True)
class Page:
    """One page to be rendered: file stem, short name for the menu, and its notebook."""

    name: str
    title: str
    notebook: NotebookNode

    @property
    def is_appendix(self) -> bool:
        """Say whether the page holds what its parent has no room for (02a_… of 02_…)."""
        return self.name[2:3].isalpha() and self.name[:2].isdigit()


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
    if notebook.metadata.get("papermill", {}).get("exception"):
        raise SnaError("A notebook stopped with an error; no page is made of it.", where=where)
    for number, cell in enumerate(notebook.cells, 1):
        for output in cell.get("outputs", []):
            _check_output(output, f"{where}, cell {number}")


def _check_output(output: NotebookNode, where: str) -> None:
    if "text/html" in output.get("data", {}):
        return
    if "data" in output:
        what = "An output without accessible HTML would be dropped in silence."
        do = "Show it through sna.figures or sna.narrative."
        raise QualityError(what, where=where, found=sorted(output.data), do=do)
    what, found = (
        "A notebook stopped with an error",
        f"{output.get('ename')}: {output.get('evalue')}",
    )
    if output.output_type == "stream":
        what, found = f"A cell wrote to {output.name}", str(output.text).strip()[:300]
    do = "Run that cell in JupyterLab with the same parameters."
    raise SnaError(f"{what}; no page is made of it.", where=where, found=found, do=do)


def outputs_of(notebook: NotebookNode) -> list[NotebookNode]:
    """Return the data of every output, in the order a reader meets them."""
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", []))
    return [output.data for output in outputs if "data" in output]  # others stop the page later


def tables_of(notebooks: Iterable[NotebookNode]) -> list[dict[str, Any]]:
    """Return the tables behind the figures, each once; a name met again gets a number."""
    made: dict[str, dict[str, Any]] = {}
    shown = (data for notebook in notebooks for data in outputs_of(notebook))
    for table in (data[TABLE_MIME] for data in shown if TABLE_MIME in data):
        name, number = table["name"], 2
        while name in made and made[name]["csv"] != table["csv"]:
            name, number = f"{table['name']}_{number}", number + 1
        made.setdefault(name, dict(table) | {"name": name})
    return list(made.values())


def arrange(notebook: NotebookNode, *, with_code: bool = False) -> NotebookNode:
    """Return a copy ready for the template: numbered figures, sentences in place, sections."""
    counts = {"figure": 0, "table": 0}
    cells: list[dict[str, str]] = []
    absent: set[str] = set()
    for cell in notebook.cells:
        text = "".join(_numbered(output.data, counts) for output in cell.get("outputs", []))
        absent = set() if cell.cell_type == "markdown" else absent
        if EMPTY_MARK in text:  # a section says once why several figures are not there
            why = html.unescape(re.sub(r"<[^>]+>", "", text)).strip()
            text = "" if why in absent else text
            absent.add(why)
        elif html.unescape(re.sub(r"<[^>]+>", "", text)).strip() in absent:
            continue
        if HIDDEN_TAGS & set(cell.metadata.get("tags", [])):
            continue
        before = cells[-1]["html"] if cells else ""
        if SENTENCE_MARK in before and text.lstrip().startswith("<p"):
            said = html.unescape(text.strip()[3:-4]) in html.unescape(before)
            cells[-1]["html"] = before.replace(SENTENCE_MARK, "" if said else text)
            cells[-1]["source"] += f"\n{cell.source}"
        elif cell.cell_type == "markdown" or text:
            cells.append({"source": cell.source, "html": text})
    return v4.new_notebook(cells=[*_sections(cells, with_code=with_code)])


def _numbered(data: NotebookNode, counts: dict[str, int]) -> str:
    text = "".join(data["text/html"])
    if TABLE_MIME in data and NUMBER_MARK in text:  # one without rows has no number
        kind = data[TABLE_MIME]["kind"]
        counts[kind] += 1
        text = text.replace(NUMBER_MARK, f"{kind.capitalize()} {counts[kind]}: ")
    return text


def _sections(cells: list[dict[str, str]], *, with_code: bool) -> Iterator[NotebookNode]:
    """Yield nbformat cells that know where a section opens and closes, and its code."""
    headings = [re.match(r"##\s+(.+)", c["source"]) if not c["html"] else None for c in cells]
    opened, code = "", ""
    for number, (cell, heading) in enumerate(zip(cells, headings, strict=True)):
        mark: dict[str, Any] = {"front": number == 0}
        if heading:
            opened, code = heading[1].strip(), ""
            mark |= {"open": slug(opened), "heading": opened}
        made = v4.new_markdown_cell(cell["source"])
        if cell["html"]:
            html_text = cell["html"].replace(SENTENCE_MARK, "")
            output = v4.new_output("display_data", data={"text/html": html_text})
            made = v4.new_code_cell(outputs=[output])
            code += f"\n\n{cell['source']}" if with_code else ""
        is_last = number + 1 == len(cells) or headings[number + 1]
        if opened and is_last:
            mark |= {"close": True, "heading": opened, "code": code.strip()}
        made.metadata["sna"] = mark
        yield made


def contents(notebook: NotebookNode) -> list[dict[str, str]]:
    """Return id and title of every section of an arranged notebook."""
    marks = [cell.metadata.sna for cell in notebook.cells]
    return [{"id": m["open"], "title": m["heading"].strip("`*")} for m in marks if m.get("open")]


def render_page(page: Page, front: Mapping[str, Any], menu: Iterable[Page] = ()) -> str:
    """Return one page as HTML.

    ``front`` is what stands on every page of a run (see `sna.reporting.record`), ``menu`` the
    pages of the same report, for the links at the top.
    """
    check_executed(page.notebook, f"notebook {page.name}")
    arranged = arrange(page.notebook, with_code=front["edition"] == "partner")
    menu = list(menu)
    links = [
        {"href": f"{other.name}.html", "title": other.title, "current": other.name == page.name}
        for other in menu
        if not other.is_appendix or other.name[:2] == page.name[:2]
    ]
    title = f"{front['marking']}: {page.title}, {front['place']}, {front['period']}"
    filled = {**front, "pages": links, "contents": contents(arranged), "head_title": title}
    filled["running"] = f"{front['place']}: {page.title}"
    text, _ = exporter().from_notebook_node(arranged, {"sna": filled})
    return _mend_links(text, {other.name for other in menu})


def _mend_links(text: str, pages: Set[str]) -> str:
    """Point `#level` at the section whose id starts so; without one the link becomes text.

    So does a link to *Data quality* from a page that stands alone.
    """
    if "data_quality" not in pages:
        text = re.sub(r'<a href="data_quality\.html[^"]*">(.*?)</a>', r"\1", text)
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
