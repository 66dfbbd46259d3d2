"""A computed sentence or list of findings, as text and as HTML."""

import html
from dataclasses import dataclass
from itertools import zip_longest

from sna.errors import QualityError
from sna.narrative.words import check_words

MOST_FINDINGS = 6
MOST_WORDS = 30


@dataclass(frozen=True)
class Prose:
    """One paragraph of computed sentences; a guarded wording raises `QualityError`."""

    text: str

    def __post_init__(self) -> None:
        if not self.text.strip():
            what, do = "A paragraph is empty.", "Say what is missing."
            raise QualityError(what, where="narrative", do=do)
        check_words(self.text)

    def __str__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(self.text, quote=False)}</p>"


@dataclass(frozen=True)
class KeyFindings:
    """At most six findings, one sentence of at most thirty words each.

    ``anchors`` link each finding to the section it summarises; an empty one leaves it unlinked.
    """

    sentences: tuple[str, ...]
    anchors: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.sentences or len(self.sentences) > MOST_FINDINGS:
            self._refuse(f"Key findings are 1 to {MOST_FINDINGS}, not {len(self.sentences)}.", "")
        if self.anchors and len(self.anchors) != len(self.sentences):
            self._refuse("Key findings and their links differ in number.", str(self.anchors))
        for sentence in self.sentences:
            check_words(sentence)
            if len(sentence.split()) > MOST_WORDS:
                self._refuse(f"A key finding has over {MOST_WORDS} words.", sentence)
            if not sentence.endswith(".") or any(mark in sentence for mark in (". ", "? ", "! ")):
                self._refuse("A key finding is not one sentence.", sentence)

    @staticmethod
    def _refuse(what: str, found: str) -> None:
        raise QualityError(what, where="narrative", found=found, do="Shorten or split it.")

    def __str__(self) -> str:
        return "\n".join(f"- {sentence}" for sentence in self.sentences)

    def _repr_html_(self) -> str:
        items = []
        for sentence, anchor in zip_longest(self.sentences, self.anchors, fillvalue=""):
            text = html.escape(sentence, quote=False)
            link = f'<a href="#{html.escape(anchor)}">{text}</a>' if anchor else text
            items.append(f"<li>{link}</li>")
        return f'<ul class="key-findings">{"".join(items)}</ul>'
