"""A computed sentence or list of findings, as text and as HTML."""

import html
from dataclasses import dataclass


@dataclass(frozen=True)
class Prose:
    """One paragraph of computed sentences."""

    text: str

    def __str__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(self.text, quote=False)}</p>"


@dataclass(frozen=True)
class KeyFindings:
    """At most six findings, one sentence each; ``anchors`` link each to its section."""

    sentences: tuple[str, ...]
    anchors: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join(f"- {sentence}" for sentence in self.sentences)

    def _repr_html_(self) -> str:
        anchors = self.anchors or ("",) * len(self.sentences)
        items = "".join(
            f'<li><a href="#{html.escape(anchor)}">{html.escape(sentence, quote=False)}</a></li>'
            if anchor
            else f"<li>{html.escape(sentence, quote=False)}</li>"
            for sentence, anchor in zip(self.sentences, anchors, strict=True)
        )
        return f'<ul class="key-findings">{items}</ul>'
