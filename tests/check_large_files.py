"""Commit hook: refuse files over 500 KB and private keys."""

import subprocess
import sys
from pathlib import Path


def main() -> int:
    names = subprocess.run(
        ["git", "diff", "--cached", "--name-only", "--diff-filter=AM"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    bad = [name for name in names if Path(name).stat().st_size > 500_000]
    marker = b"PRIVATE " + b"KEY-----"
    bad += [name for name in names if marker in Path(name).read_bytes()]
    for name in bad:
        print(f"too large, or a private key: {name}")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
