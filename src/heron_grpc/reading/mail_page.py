"""A mail's own page: headers as its first lines, then its text."""

from collections.abc import Iterator, Mapping

from heron_grpc.domain.document import DocumentWarning
from heron_grpc.domain.steps import Metadata, Step
from heron_grpc.reading.decoding import Decoded
from heron_grpc.reading.html import add_html
from heron_grpc.reading.page_flow import PageFlow
from heron_grpc.reading.page_selection import STAGE
from heron_grpc.reading.reader import ReadOptions
from heron_grpc.reading.text import encoding_warnings

# The page's first lines, in this order.
HEADERS = ("From", "To", "Cc", "Bcc", "Subject", "Date", "Reply-To", "Message-ID")
_MOST_CHARS = 4_000_000
_ENCRYPTED_TEXT = "-----BEGIN PGP MESSAGE-----"


class MailPage:
    """Gathers what a mail says itself. HEADERS are metadata too, in lower case."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = {name: value for name in HEADERS if (value := headers.get(name, "").strip())}
        self._flow = PageFlow()
        self._warnings: list[DocumentWarning] = []
        # A blank line follows.
        self._flow.head("".join(f"{name}: {value}\n" for name, value in self._headers.items()))

    @property
    def count(self) -> int:
        """Pages: more than one where HTML asks for breaks between them."""
        return self._flow.count

    def add(self, text: Decoded, *, is_html: bool = False) -> None:
        """A text, below those before."""
        self._warnings += encoding_warnings(text)
        if is_html:
            _read_html(text.text, self._flow)
        else:
            self._flow.line(text.text.strip("\n"))
        if _ENCRYPTED_TEXT in text.text:
            self._warnings.append(DocumentWarning("PART_ENCRYPTED", "the mail's text is encrypted", STAGE, 1))

    def steps(self, options: ReadOptions) -> Iterator[Step]:
        """The page with its tables."""
        yield Metadata({name.lower(): value for name, value in self._headers.items()})
        yield from dict.fromkeys(self._warnings)
        yield from self._flow.steps(options)


def visible_text(html: str) -> str:
    """What a reader of it sees."""
    flow = PageFlow()
    return flow.captured(lambda: _read_html(html, flow))


def _read_html(html: str, flow: PageFlow) -> None:
    add_html(html, flow, _MOST_CHARS)
