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


def __dir__() -> list[str]:  # for Tab: what is made here
    return [name for name, it in globals().items() if getattr(it, "__module__", "")[:4] == "sna."]
