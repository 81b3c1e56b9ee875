"""Fetches typefaces and Tesseract's languages as Debian packages and unpacks them beside the benchmark's documents."""

import subprocess
import sys

from benchmarks.documents import CACHE

_LANGUAGES = ("eng", "osd", "deu", "fra", "rus", "ell", "ara", "chi-sim", "jpn", "kor")
PACKAGES = (
    "fonts-liberation",
    "fonts-crosextra-carlito",
    "fonts-crosextra-caladea",
    "fonts-lato",
    "fonts-hosny-amiri",
    "fonts-wqy-microhei",
    "fonts-ipafont-gothic",
    "fonts-nanum",
    *(f"tesseract-ocr-{name}" for name in _LANGUAGES),
)
FOLDER = CACHE / "debian"


def main() -> None:
    """Installs nothing; without apt-get or a network, the benchmark says what it leaves out."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    missing = [name for name in PACKAGES if not (FOLDER / f"{name}.fetched").exists()]
    for name in missing:
        try:
            subprocess.run(["apt-get", "download", "-qq", name], cwd=FOLDER, check=True, capture_output=True)
            for package in FOLDER.glob(f"{name}_*.deb"):
                subprocess.run(["dpkg", "-x", package, FOLDER], check=True)
                package.unlink()
            (FOLDER / f"{name}.fetched").touch()
        except (OSError, subprocess.CalledProcessError):
            print(f"{name} could not be fetched", file=sys.stderr)


if __name__ == "__main__":
    main()
