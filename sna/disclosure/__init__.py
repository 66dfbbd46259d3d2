"""Small numbers, rounding, secondary suppression, audit, differencing, on result tables."""

from sna.disclosure.control import protect
from sna.disclosure.protected import ProtectedTable

__all__ = ["ProtectedTable", "protect"]
