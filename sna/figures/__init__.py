"""Chart, titles, sentence, data table and source, as one accessible piece of HTML."""
# ruff: noqa: F401

from sna.charts import base
from sna.figures.about import Note, describe_rules, listing, show_findings, show_run
from sna.figures.figure import TABLE_MIME, Figure, Table
from sna.figures.view import show
