"""`heron generate`: documents of all kinds as files."""

from dataclasses import dataclass
from pathlib import Path

from heron_grpc.cli import exit_codes
from heron_grpc.domain.errors import ConfigurationError
from heron_grpc.lab.generator import Generator
from heron_grpc.lab.generator.rendering import FORMATS, write_documents


@dataclass(frozen=True, slots=True)
class Wish:
    """What to draw; no labels are all of them."""

    labels: tuple[str, ...]
    per_label: int
    seed: int
    format: str | None


def run(directory: Path, wish: Wish) -> int:
    """Writes the documents and says how many. Raises ConfigurationError for labels or formats that do not exist."""
    generator = Generator()
    labels = [
        label
        for label in generator.labels
        if not wish.labels or any(label == one or label.startswith(f"{one}/") for one in wish.labels)
    ]
    if not labels:
        raise ConfigurationError(f"no label is one of {', '.join(wish.labels)} or below it")
    if wish.format not in {None, *FORMATS}:
        raise ConfigurationError(f"the format must be one of {', '.join(FORMATS)}")
    drawn = (generator.draw(label, wish.seed, index) for label in labels for index in range(wish.per_label))
    try:
        count = write_documents(directory, drawn, wish.format)
    except OSError as error:
        raise ConfigurationError(f"the documents cannot be written: {error.strerror}") from error
    print(f"{count} documents of {len(labels)} labels")
    return exit_codes.OK
