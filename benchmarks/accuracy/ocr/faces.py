"""Which typefaces there are to draw with: the machine's, and those unpacked beside the benchmark's documents."""

from functools import cache
from pathlib import Path

import reportlab

from benchmarks.documents import CACHE

# Where Debian, Fedora and a user put them; Bitstream Vera comes with reportlab.
_FOLDERS = (
    CACHE / "debian" / "usr" / "share" / "fonts",
    Path("/usr/share/fonts"),
    Path.home() / ".local" / "share" / "fonts",
    Path(reportlab.__file__).parent / "fonts",
)
_SUFFIXES = {".ttf", ".otf", ".ttc"}


def found(names: tuple[str, ...]) -> list[Path]:
    """The files of those names (without suffix) that exist, in the order asked for."""
    here = _files()
    return [here[name] for name in names if name in here]


@cache
def _files() -> dict[str, Path]:
    paths = (path for folder in reversed(_FOLDERS) if folder.is_dir() for path in sorted(folder.rglob("*")))
    return {path.stem: path for path in paths if path.suffix.lower() in _SUFFIXES}
