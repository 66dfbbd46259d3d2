"""What the parent of all kernels imports; it imports only, and starts no thread."""

import contextlib
import importlib
import sys

import sna

sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # see sna.reporting
sys.modules.setdefault("debugpy", None)  # type: ignore[arg-type]  # a second, for no debugger

_LIBRARIES = """
IPython.core.completer IPython.core.interactiveshell geopandas ipykernel.ipkernel
ipykernel.kernelapp ipykernel.zmqshell matplotlib.backends.backend_agg
matplotlib.backends.backend_svg matplotlib.dates matplotlib.pyplot pandera.pandas pyarrow.dataset
pyarrow.parquet pyogrio scipy.linalg scipy.optimize scipy.spatial scipy.stats seaborn
statsmodels.api statsmodels.tsa.seasonal zmq.asyncio
"""

for _name in (*_LIBRARIES.split(), *(f"sna.{room}" for room in sna._ROOMS)):
    with contextlib.suppress(Exception):  # a kernel that needs it will say what is wrong
        importlib.import_module(_name)
