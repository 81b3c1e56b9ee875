"""The committed samples: complete, small, neutral in name, and drawn the same way every time."""

import csv
from pathlib import Path

from heron_grpc.lab.samples import MANIFEST, SAMPLES, write_samples
from heron_grpc.taxonomy import load_taxonomies

COMMITTED = Path(__file__).parents[1] / "samples"
FORMATS = {".pdf", ".txt", ".csv", ".docx", ".jpg", ".png"}


def rows() -> list[tuple[str, str]]:
    with (COMMITTED / MANIFEST).open(newline="") as file:
        return [(row["file"], row["label"]) for row in csv.DictReader(file)]


def test_the_manifest_names_every_sample_and_only_known_labels() -> None:
    leaves = load_taxonomies()["taxonomies/default"].taxonomy.leaves
    assert rows() == [(sample.file, sample.label) for sample in SAMPLES]
    assert {path.name for path in COMMITTED.iterdir()} == {MANIFEST, *(file for file, _ in rows())}
    assert {label for _, label in rows()} <= set(leaves)
    assert len({label for _, label in rows()}) >= 14
    assert {Path(file).suffix for file, _ in rows()} == FORMATS


def test_names_do_not_tell_the_label() -> None:
    assert [file for file, _ in rows()] == [f"sample-{n:02}{Path(f).suffix}" for n, (f, _) in enumerate(rows(), 1)]


def test_the_folder_stays_small() -> None:
    assert sum(path.stat().st_size for path in COMMITTED.iterdir()) <= 1024 * 1024


def test_drawing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    write_samples(tmp_path / "one")
    write_samples(tmp_path / "two")
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert names == sorted(path.name for path in COMMITTED.iterdir())
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_plain_samples_are_committed_as_drawn() -> None:
    # Compressed formats may differ with the releases of their libraries.
    for sample in SAMPLES:
        if Path(sample.file).suffix in {".txt", ".csv"}:
            assert (COMMITTED / sample.file).read_bytes() == sample.draw()
