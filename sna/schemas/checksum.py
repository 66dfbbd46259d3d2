"""What a file holds, told by its SHA-256: hashed once while its size and time stay the same."""

import hashlib
from functools import lru_cache
from pathlib import Path


@lru_cache(maxsize=4096)
def _hash(path: Path, size: int, changed: int) -> str:  # noqa: ARG001  part of the key
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file."""
    stat = path.stat()
    return _hash(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=8)
def hash_folder(*paths: Path) -> str:
    """Return one SHA-256 of all files of code and tables in or below `paths`."""
    whole = hashlib.sha256()
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.suffix in (".py", ".toml", ".csv", ".json"):
                whole.update(file.name.encode() + file.read_bytes())
    return whole.hexdigest()
