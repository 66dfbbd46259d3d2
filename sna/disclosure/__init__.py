"""Small numbers, rounding, secondary suppression, audit, differencing, on result tables."""

from sna.disclosure.control import protect
from sna.disclosure.protected import ProtectedTable
from sna.disclosure.suppress import count_contributors

__all__ = ["ProtectedTable", "count_contributors", "protect"]
