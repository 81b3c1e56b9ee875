"""The backend's own directory, which also goes when its front was killed: the next front clears it up."""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import gettempdir, mkdtemp

_PREFIX = "heron-backend-"
# Between making a directory and locking it, a front may be held up.
_YOUNGEST_S = 60.0


class BackendHome:
    """An empty directory, held by a lock that the kernel lets go of when this process ends. Blocks."""

    def __init__(self, directory: Path | None = None) -> None:
        parent = directory or Path(gettempdir())
        _clear_abandoned(parent)
        self.path = Path(mkdtemp(prefix=_PREFIX, dir=parent))
        self._lock = _locked(self.path)

    def close(self) -> None:
        """Removes it."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _clear_abandoned(parent: Path) -> None:
    for path in _own(parent):
        lock = _locked(path)
        if lock is not None:
            shutil.rmtree(path, ignore_errors=True)
            os.close(lock)


def _own(parent: Path) -> Iterator[Path]:
    """Directories of this user, no longer quite new; never what a link of someone else's leads to."""
    oldest = time.time() - _YOUNGEST_S
    for path in parent.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            status = path.lstat()
            if status.st_uid == os.getuid() and status.st_mtime < oldest:
                yield path


def _locked(path: Path) -> int | None:
    """The descriptor that holds the lock; None when another process holds it or the file system has no locks."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
