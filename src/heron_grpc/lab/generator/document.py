"""What the generator hands out."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GeneratedDocument:
    """A document's text and how to draw it again."""

    label: str
    text: str
    # ISO 639-1.
    language: str
    # "{label}/{language}/{name}" of the layout it was drawn from.
    layout: str
    seed: str
