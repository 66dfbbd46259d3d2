"""What the parent of all kernels does once: it imports, and reads what is the same for all.

What it holds then is set aside from the garbage collector, which would copy it in every kernel.
"""

import contextlib
import gc
import importlib
import sys

import sna

sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # see sna.reporting
sys.modules.setdefault("debugpy", None)  # type: ignore[arg-type]  # a second, for no debugger

_LIBRARIES = """
IPython.core.completer IPython.core.interactiveshell geopandas ipykernel.ipkernel
ipykernel.kernelapp ipykernel.zmqshell matplotlib.backends.backend_agg
matplotlib.backends.backend_svg matplotlib.dates matplotlib.pyplot pyarrow.dataset
pyarrow.parquet pyogrio scipy.linalg scipy.optimize scipy.spatial scipy.stats seaborn
statsmodels.api statsmodels.tsa.seasonal zmq.asyncio
"""

for _name in (*_LIBRARIES.split(), *(f"sna.{room}" for room in sna._ROOMS)):
    with contextlib.suppress(Exception):  # a kernel that needs it will say what is wrong
        importlib.import_module(_name)


def warm() -> None:
    """Read the words of reports, the definitions' texts and the fonts."""
    from matplotlib.figure import Figure

    from sna.charts.base import style
    from sna.charts.svg import to_svg
    from sna.definitions import profile_ids, read_profile
    from sna.definitions.views import views
    from sna.figures.cells import environment
    from sna.narrative.sentences import phrase

    views(), phrase(""), [read_profile(name) for name in profile_ids()]
    environment().get_template("figure.html.j2")
    with style():
        figure = Figure()
        figure.add_subplot().set_title("", fontweight="bold")
        to_svg(figure, "warm", "", "")


with contextlib.suppress(Exception):
    warm()
gc.collect()
gc.freeze()
