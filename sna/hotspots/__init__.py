"""Where, how concentrated, how lasting, and how sure."""
# ruff: noqa: F403

from sna.hotspots.areas import *
from sna.hotspots.borders import *
from sna.hotspots.concentration import *
from sna.hotspots.local import *
from sna.hotspots.persistence import *
from sna.hotspots.place import *
from sna.hotspots.points import *
from sna.hotspots.prediction import *


def __dir__() -> list[str]:  # what is made here
    return [n for n, it in globals().items() if __name__ in getattr(it, "__module__", "")]
