"""TOML read strictly: unknown keys and wrong values become errors that name what is allowed."""

import difflib
import re
import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from sna.errors import UsageError


class Strict(BaseModel):
    """A table of a TOML file: no key but these, and nothing converted in silence."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


_KNOWN = {
    "extra_forbidden": "this key is not known",
    "missing": "this key must be there",
    "tuple_type": 'a list is wanted here, in square brackets, as ["Hackney", "Camden"]',
}
Model = TypeVar("Model", bound=Strict)


def read_toml(path: Path) -> dict[str, Any]:
    """Return the tables of a TOML file; raise `UsageError` when it cannot be read as one."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(
            "The file cannot be read as TOML.",
            where=str(path),
            found=error,
            do="Name a file that exists; quote text values and close every bracket.",
        ) from None


def check_toml(document: dict[str, Any], model: type[Model], where: str) -> Model:
    """Return `document` as `model`; raise `UsageError` naming the first key that is wrong."""
    try:
        return model.model_validate(document, strict=False)
    except ValidationError as error:
        first = error.errors()[0]
        path = [str(part) for part in first["loc"] if part != "[key]"]
        is_key = first["type"] in ("extra_forbidden", "missing")
        words = _KNOWN.get(first["type"], str(first["msg"]).removeprefix("Value error, "))
        given = path[-1] if is_key and path else str(first["input"])
        allowed = _allowed(model, path) if is_key else re.findall(r"'([^']+)'", first["msg"])
        what, do = f"{'.'.join(path) or 'The file'}: {words}.", offer(given, allowed)
        raise UsageError(what, where=where, found=given[:80], do=do) from None


def offer(given: object, allowed: list[str]) -> str:
    """Say which words are allowed, the one that was probably meant first.

    >>> offer("weapon", ["weapons", "drugs"])
    "Did you mean 'weapons'? Allowed here: weapons, drugs."
    """
    near = difflib.get_close_matches(str(given).casefold(), allowed, n=1)
    hint = f"Did you mean {near[0]!r}? " if near and near[0] != given else ""
    return f"{hint}Allowed here: {', '.join(allowed)}." if allowed else "Correct it."


def _allowed(model: type[BaseModel], path: list[str]) -> list[str]:
    """List the keys of the table in which the last part of `path` lies."""
    for part in path[:-1]:
        field = model.model_fields.get(part)
        model = next(iter(_models(field.annotation if field else None)), model)
    return [name for name, field in model.model_fields.items() if not field.exclude]


def _models(annotation: Any) -> list[type[BaseModel]]:
    """Return the models inside an annotation such as ``dict[str, Flag] | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [kind for part in getattr(annotation, "__args__", ()) for kind in _models(part)]
