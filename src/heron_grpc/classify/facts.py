"""What is known of a document beside its text, as named fields that metadata rules look at.

The reading's own metadata under its own names, and beside it:

    media_type  of the document itself
    parts       media type and name of each document inside, a line each
    substance   "inside" when the documents inside hold far more text than the document itself, else "own"
    sheets      names of a workbook's sheets, a line each
    xml         how its structured data begins, as text: its own, or those of the first XML document inside
"""

from collections.abc import Iterator, Mapping

from heron_grpc.domain.document import Page, Reading
from heron_grpc.reading import media_types as types

# Code points of a field that are looked at: one line of metadata, a list of names, the head of structured data.
_LONGEST_FIELD, _LONGEST_LIST, _LONGEST_HEAD = 200, 2_000, 3_000
# Text of the documents inside, in texts of the document itself: a mail of a few lines with its headers, and an invoice.
_FAR_MORE = 2
# Names that are made here; metadata of a file may not pass for them.
DERIVED = frozenset({"media_type", "parts", "substance", "sheets", "xml"})
_WORKBOOKS = frozenset({types.XLSX, types.XLSB, types.XLS, types.ODS})


def facts_of(reading: Reading) -> Mapping[str, str]:
    """Fields that are there, none of them empty."""
    fields = {name: value[:_LONGEST_FIELD] for name, value in reading.metadata.items() if name not in DERIVED}
    fields["media_type"] = reading.media_type
    fields["parts"] = "\n".join(f"{part.media_type} {part.name}" for part in reading.parts)[:_LONGEST_LIST]
    fields["substance"] = "inside" if _is_inside(reading) else "own"
    fields["sheets"] = "\n".join(_sheet_names(reading))[:_LONGEST_LIST]
    page = _first_xml(reading)
    fields["xml"] = page.text[:_LONGEST_HEAD] if page else ""
    return {name: value for name, value in fields.items() if value}


def _is_inside(reading: Reading) -> bool:
    if not reading.parts:
        return False
    own = sum(len(page.text) for page in reading.pages if page.part == 0)
    return sum(len(page.text) for page in reading.pages) > (1 + _FAR_MORE) * own


def _sheet_names(reading: Reading) -> Iterator[str]:
    """The first line of each of a workbook's own pages."""
    if reading.media_type in _WORKBOOKS:
        for page in reading.pages:
            if page.part == 0:
                yield page.text.lstrip("\n").partition("\n")[0].strip()


def _first_xml(reading: Reading) -> Page | None:
    numbers = {part.number for part in reading.parts if part.media_type == types.XML}
    if reading.media_type == types.XML:
        numbers.add(0)
    return next((page for page in reading.pages if page.part in numbers), None) if numbers else None
