"""Every error a person can meet, each with its exit code and four parts: what, where, found, do."""

from collections.abc import Iterable


class SnaError(Exception):
    """Something is wrong that the reader can act on.

    Parameters
    ----------
    what
        What is wrong and how much of the data it touches, one sentence.
    where
        File, table, column, first row.
    found
        At most five of the values met.
    do
        What to do now.

    Examples
    --------
    >>> print(UsageError("Borough is not known.", where="sna report", found=["Hilingdon"],
    ...                  do="Did you mean Hillingdon?"))
    Borough is not known.
      where: sna report
      found: Hilingdon
      do:    Did you mean Hillingdon?
    """

    exit_code = 1
    most_values = 5

    def __init__(
        self, what: str, *, where: str = "", found: Iterable[object] | object = "", do: str = ""
    ) -> None:
        self.what, self.where, self.do = what, where, do
        self.found = self._short(found)
        super().__init__(str(self))

    @classmethod
    def _short(cls, found: Iterable[object] | object) -> str:
        if isinstance(found, str) or not isinstance(found, Iterable):
            return str(found)
        values = [str(value) for value in found]
        more = len(values) - cls.most_values
        return "; ".join(values[: cls.most_values]) + (f"; and {more} more" if more > 0 else "")

    def __str__(self) -> str:
        parts = [("where:", self.where), ("found:", self.found), ("do:   ", self.do)]
        return "\n".join([self.what, *(f"  {name} {text}" for name, text in parts if text)])


class UsageError(SnaError):
    """A command, option, parameter or configuration that cannot be meant."""

    exit_code = 2


class SourceError(SnaError):
    """A raw file that cannot be read as what it claims to be."""

    exit_code = 3


class TableError(SourceError):
    """A table that breaks its contract."""


class DefinitionError(SourceError):
    """A value that no row of the definition covers."""


class CoverageError(SourceError):
    """Areas, months or populations that are missing."""


class DisclosureError(SnaError):
    """A table that may not be published as it stands."""

    exit_code = 4


class QualityError(SnaError):
    """A page that fails the output checks."""

    exit_code = 5
