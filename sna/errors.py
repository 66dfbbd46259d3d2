"""Every error a person can meet, each with its exit code and four parts: what, where, found, do."""

from collections.abc import Iterable


class SnaError(Exception):
    """Something is wrong that the reader can act on: what, where, what was found, what to do.

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
        several = isinstance(found, Iterable) and not isinstance(found, str)
        values = [str(value) for value in found] if several else [str(found)]  # type: ignore[union-attr]
        if (more := len(values) - self.most_values) > 0:
            values[self.most_values :] = [f"and {more} more"]
        self.what, self.where, self.found, self.do = what, where, "; ".join(values), do
        super().__init__(str(self))

    def __str__(self) -> str:
        parts = [("where:", self.where), ("found:", self.found), ("do:   ", self.do)]
        return "\n".join([self.what, *(f"  {name} {text}" for name, text in parts if text)])

    @classmethod
    def of(cls, error: Exception) -> "SnaError":
        """Return an error of ours as it is; that of a disk or of a fault in the code as ours."""
        if isinstance(error, SnaError):
            return error
        if isinstance(error, OSError):
            what = f"The disk said no: {error.strerror or error}."
            do = "Look at its permissions and free space, then run the same again."
            return cls(what, where=str(error.filename or ""), do=do)
        what, do = f"{type(error).__name__}, a fault of sna.", "Report it with its command."
        return cls(what, found=str(error)[:300], do=do)


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


class NothingToShowError(CoverageError):
    """The data hold nothing that a page is about; in a report the page says so, others stand."""


class DisclosureError(SnaError):
    """A table that may not be published as it stands."""

    exit_code = 4
    most_values = 40


class QualityError(SnaError):
    """A page that fails the output checks."""

    exit_code = 5
    most_values = 40
