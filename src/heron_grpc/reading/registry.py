"""The formats that can be read, one line each."""

from heron_grpc.reading import media_types as types
from heron_grpc.reading.delimited import read_csv
from heron_grpc.reading.docx import read_docx
from heron_grpc.reading.image import read_image
from heron_grpc.reading.pdf import read_pdf
from heron_grpc.reading.reader import Reader
from heron_grpc.reading.text import read_text

READERS: tuple[Reader, ...] = (
    Reader((types.PDF,), (".pdf",), read_pdf),
    Reader((types.PLAIN,), (".txt", ".text"), read_text),
    Reader((types.CSV,), (".csv", ".tsv"), read_csv),
    Reader((types.DOCX,), (".docx",), read_docx),
    Reader((types.JPEG, types.PNG), (".jpg", ".jpeg", ".png"), read_image),
)


def find_reader(media_type: str) -> Reader | None:
    """The reader for a media type, if there is one."""
    return next((reader for reader in READERS if media_type in reader.media_types), None)


def media_types() -> tuple[str, ...]:
    """Every media type that can be read, sorted."""
    return tuple(sorted(media_type for reader in READERS for media_type in reader.media_types))


def suffixes() -> tuple[str, ...]:
    """Usual file name endings of what can be read, sorted, with their dot."""
    return tuple(sorted(suffix for reader in READERS for suffix in reader.suffixes))
