"""Documents named on the command line: files, folders, globs, stdin; and why one of them has no answer."""

import glob
import os
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from heron import HeronServiceError

STDIN = "-"


def expand(paths: list[str]) -> Iterator[str]:
    """Folders become their files, globs what they match, everything else stays; each file once."""
    seen: set[str] = set()
    for given in paths:
        for path in _files_of(given):
            if path not in seen:
                seen.add(path)
                yield path


def _files_of(given: str) -> list[str]:
    """The files below a folder or behind a glob; what leads to no file stays, to be told as a failure."""
    if given == STDIN:
        return [given]
    if os.path.isdir(given):  # noqa: PTH112  Path.is_dir raises for a folder nobody may enter
        return sorted(_below(given)) or [given]
    if glob.has_magic(given) and not os.path.lexists(given):
        return _matches(given) or [given]
    return [given]


def _below(folder: str) -> Iterator[str]:
    """Files at any depth, hidden ones left out; a folder that cannot be opened stands for itself."""
    unopened: list[str] = []
    for parent, folders, files in os.walk(folder, onerror=lambda error: unopened.append(str(error.filename))):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths = (Path(parent, name) for name in files if not name.startswith("."))
        yield from (str(path) for path in paths if path.is_file())
    yield from unopened


def _matches(pattern: str) -> list[str]:
    matches = glob.glob(pattern, recursive=True)  # noqa: PTH207  Path.glob takes no absolute pattern
    return sorted(match for match in matches if Path(match).is_file())


def stdin() -> BinaryIO:
    """The bytes of standard input; none when it is closed."""
    return sys.stdin.buffer if sys.stdin else BytesIO()


def printable(path: str) -> str:
    """Paths may hold bytes that are no UTF-8, which cannot be printed."""
    return path.encode(errors="replace").decode()


def failure(error: Exception) -> dict[str, str]:
    """Why a document has no answer: what the service says, or what the system said of the file."""
    if isinstance(error, HeronServiceError):
        facts = {"code": error.code.name, "reason": error.reason, "message": error.message}
        return {**facts, "request_id": error.request_id}
    message = getattr(error, "strerror", None) or "cannot be read"
    return {"code": "", "reason": "FILE_NOT_READ", "message": message, "request_id": ""}
