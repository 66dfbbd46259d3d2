"""One borough: check parameters, run notebooks, render, write the run record."""

import sys

# nbformat's jsonschema compiles a grammar of `rfc3987_syntax` for a second when it is imported;
# only the check of the `iri` string format, which notebooks do not use, is lost without it.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
