"""Who is affected, compared with whom, and what is not known."""
# ruff: noqa: F403

from sna.disproportionality.adjust import *
from sna.disproportionality.cohorts import *
from sna.disproportionality.compare import *
from sna.disproportionality.follow import *
from sna.disproportionality.groups import *
from sna.disproportionality.people import *
from sna.disproportionality.tables import *


def __dir__() -> list[str]:  # what is made here
    return [n for n, it in globals().items() if __name__ in getattr(it, "__module__", "")]
