"""What the generator hands out."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class GeneratedField:
    """A value and its place in the clean text (half-open, code points)."""

    # As the layout names it: "person", "iban", "transactions.closing", "items.price".
    name: str
    start: int
    end: int
    # The 0-based row of the table it stands in, if any.
    row: int | None = None

    def moved(self, offset: int) -> "GeneratedField":
        """The same further on."""
        return replace(self, start=self.start + offset, end=self.end + offset)


@dataclass(frozen=True, slots=True)
class Clean:
    """A text without wear; cells of a line are two spaces apart. What was filled in, in the order of the text."""

    text: str
    fields: tuple[GeneratedField, ...]


@dataclass(frozen=True, slots=True)
class GeneratedDocument:
    """A document's text and how to draw it again."""

    label: str
    # As a reader might return it, mistakes included.
    text: str
    # ISO 639-1.
    language: str
    # "{label}/{language}/{name}" of the layout it was drawn from.
    layout: str
    seed: str
    clean: Clean
