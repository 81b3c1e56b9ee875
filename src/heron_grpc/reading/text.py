"""Plain text in whatever encoding."""

from collections.abc import Iterator
from pathlib import Path

from heron_grpc.domain.document import PAGE_SEPARATOR, DocumentWarning, Page
from heron_grpc.domain.errors import CorruptDocument
from heron_grpc.domain.steps import Step
from heron_grpc.reading.decoding import Decoded, decode
from heron_grpc.reading.page_selection import STAGE, select_pages
from heron_grpc.reading.reader import ReadOptions

# UTF-32, the widest encoding.
_MOST_BYTES_A_CHAR = 4


def read_text(path: str, options: ReadOptions) -> Iterator[Step]:
    """A page for each form feed. Raises CorruptDocument when the bytes turn out not to be text."""
    decoded = load_text(path, options)
    texts = decoded.text.split(PAGE_SEPARATOR, options.settings.max_pages)
    if len(texts) > 1 and not texts[-1].strip():
        # Printers end the last page with a form feed too.
        texts.pop()
    numbers, warnings = select_pages(len(texts), options)
    yield from (*warnings, *encoding_warnings(decoded))
    yield from (Page(number, texts[number - 1]) for number in numbers)


def load_text(path: str, options: ReadOptions) -> Decoded:
    """The text up to a little more than is kept, line ends unified."""
    with Path(path).open("rb") as file:
        data = file.read(_MOST_BYTES_A_CHAR * (options.settings.max_text_chars + 1))
    decoded = decode(data)
    if decoded is None:
        raise CorruptDocument("the document begins as text and goes on as something else")
    text = decoded.text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return Decoded(text, decoded.encoding, decoded.guessed)


def encoding_warnings(decoded: Decoded) -> tuple[DocumentWarning, ...]:
    """That the encoding is a guess, where it is one."""
    if not decoded.guessed:
        return ()
    return (DocumentWarning("ENCODING_GUESSED", f"the text was read as {decoded.encoding}", STAGE),)
