"""Rich Text Format 1.9.1, in one pass whose time grows with the bytes alone."""

import codecs
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from heron_grpc.domain.document import DocumentWarning
from heron_grpc.domain.errors import CorruptDocument
from heron_grpc.domain.steps import Metadata, Step
from heron_grpc.reading.embedded import Embedded
from heron_grpc.reading.inside import read_inside
from heron_grpc.reading.page_flow import PageFlow
from heron_grpc.reading.page_selection import STAGE
from heron_grpc.reading.paragraph_stream import ParagraphStream
from heron_grpc.reading.reader import ReadOptions
from heron_grpc.reading.rtf_words import CHARACTERS, CHARSETS, CODE_PAGES, OF_SYMBOLS, PROPERTIES, SKIPPED
from heron_grpc.reading.symbol_fonts import PRIVATE_USE, decoded_symbols

_TOKEN = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z])|([^\\{}]+)|[{}\\]", re.DOTALL
)
_WORD, _NUMBER, _CODE, _SYMBOL, _RUN = range(1, 6)
_WORDS_AND_NUMBERS = frozenset({_WORD, _NUMBER})
# Enough to find where a group ends.
_BRACES = re.compile(rb"\\[\\{}]|\\bin(\d{1,10}) ?|[{}]")
_NOT_HEX = re.compile(rb"[^0-9a-fA-F]+")
# Word's own documents stay below 30.
_DEEPEST_GROUP = 1000

_ON_THE_SAME_PAGE = frozenset({b"sbknone", b"sbkcol"})


@dataclass(slots=True)
class _Group:
    """What a closing brace brings back."""

    encoding: str = "cp1252"
    # Characters after \u that say the same for old readers.
    fallback: int = 1
    is_deleted: bool = False
    # Where bytes go: None is the text.
    collected: list[bytes] | None = None
    ends: Callable[[], None] | None = None

    def inner(self) -> "_Group":
        """A group in this one."""
        return _Group(self.encoding, self.fallback, self.is_deleted, self.collected)


def read_rtf(path: str, options: ReadOptions) -> Iterator[Step]:
    """Pages end where breaks are set. Raises CorruptDocument."""
    reader = _Rtf(Path(path).read_bytes())
    reader.read()
    yield Metadata(reader.metadata)
    if reader.is_cut:
        yield DocumentWarning("DOCUMENT_INCOMPLETE", "the document breaks off: what followed is missing", STAGE)
    yield from reader.flow.steps(options)
    yield from read_inside(reader.inside, reader.flow.count, options)


class _Rtf:
    """What the control words have said so far."""

    def __init__(self, data: bytes) -> None:
        self.flow = PageFlow()
        self.metadata: dict[str, str] = {}
        self.inside: list[Embedded] = []
        self.is_cut = False
        self._data = data
        self._at = 0
        self._group = _Group()
        self._groups: list[_Group] = []
        self._streams = [ParagraphStream(self.flow)]
        # Bytes of the text not decoded yet: of a character of two bytes either may be written as hex.
        self._bytes = bytearray()
        self._to_skip = 0
        self._is_starred = False
        self._encoding = "cp1252"
        self._fonts: dict[int, str] = {}
        self._font = self._default_font = 0
        self._author = ""
        self._told: set[str] = set()

    def read(self) -> None:
        """Fills the flow."""
        while self._read_on():
            pass
        self.is_cut = bool(self._groups)
        while self._groups:
            self._close()
        self._streams[0].end()

    def _read_on(self) -> bool:
        """Until a jump over what is skipped; whether there is more."""
        for found in _TOKEN.finditer(self._data, self._at):
            kind = found.lastindex
            if kind == _RUN:
                self._text(found[_RUN].translate(None, b"\r\n"))
            elif kind in _WORDS_AND_NUMBERS:
                # Nearly all words are about looks.
                if found[_WORD] in _KNOWN or self._is_starred:
                    self._at = found.end()
                    self._word(found[_WORD], None if kind == _WORD else int(found[_NUMBER]))
                    if self._at != found.end():
                        return True
            elif kind == _CODE:
                self._text(bytes.fromhex(found[_CODE].decode()))
            elif kind == _SYMBOL:
                self._symbol(found[_SYMBOL])
            elif found[0] == b"{":
                self._open()
            elif found[0] == b"}" and not self._close():
                return False
        return False

    def _open(self) -> None:
        self._decode()
        if len(self._groups) == _DEEPEST_GROUP:
            raise CorruptDocument("the document's groups are nested too deeply")
        self._to_skip = 0
        self._groups.append(self._group)
        self._group = self._group.inner()

    def _close(self) -> bool:
        """Whether there is a group left."""
        self._decode()
        self._to_skip, self._is_starred = 0, False
        if ends := self._group.ends:
            ends()
        if self._groups:
            self._group = self._groups.pop()
        return bool(self._groups)

    def _text(self, run: bytes) -> None:
        if self._to_skip:
            skipped = min(self._to_skip, len(run))
            self._to_skip -= skipped
            run = run[skipped:]
        if self._group.collected is not None:
            self._group.collected.append(run)
        elif not self._group.is_deleted:
            self._bytes += run

    def _decode(self) -> None:
        if self._bytes:
            encoding, content = self._group.encoding, bytes(self._bytes)
            is_symbols = encoding == OF_SYMBOLS
            self._streams[-1].add(decoded_symbols(content) if is_symbols else content.decode(encoding, "replace"))
            self._bytes.clear()

    def _symbol(self, symbol: bytes) -> None:
        if symbol == b"*":
            self._is_starred = True
        elif symbol in b"\r\n":
            self._word(b"par", None)
        elif symbol in CHARACTERS:
            self._character(CHARACTERS[symbol])

    def _character(self, character: str) -> None:
        """A character written as a word."""
        self._to_skip = 0
        if self._group.collected is None and not self._group.is_deleted:
            self._decode()
            self._streams[-1].add(character)

    def _word(self, word: bytes, number: int | None) -> None:
        is_starred, self._is_starred = self._is_starred, False
        if word == b"u":
            self._unicode(number or 0)
        elif word in CHARACTERS:
            self._character(CHARACTERS[word])
        elif word == b"bin":
            self._binary(max(number or 0, 0))
        elif word in SKIPPED or (is_starred and word not in _STARRED):
            self._skip()
        elif word in _WORDS:
            self._decode()
            self._to_skip = 0
            _WORDS[word](self, word, number)

    def _unicode(self, number: int) -> None:
        code = number % 0x10000
        self._character(PRIVATE_USE[code] or " " if code in PRIVATE_USE else chr(code))
        self._to_skip = self._group.fallback

    def _binary(self, count: int) -> None:
        """Bytes as they are; where bytes are kept, they are hex."""
        if self._group.collected is not None:
            self._group.collected.append(self._data[self._at : self._at + count].hex().encode())
        self._at += count

    def _skip(self) -> None:
        """To the brace that ends the group."""
        depth = 1
        while found := _BRACES.search(self._data, self._at):
            self._at = found.end()
            if found[1]:
                self._at += int(found[1])
            elif found[0] == b"{":
                depth += 1
            elif found[0] == b"}":
                depth -= 1
                if not depth:
                    self._at -= 1
                    return
        self._at = len(self._data)

    def code_page(self, word: bytes, number: int | None) -> None:
        named = {b"mac": 10000, b"pc": 437, b"pca": 850}.get(word, number or 1252)
        self._encoding = _known(CODE_PAGES.get(named, f"cp{named}"))
        self._group.encoding = self._encoding

    def font_number(self, _: bytes, number: int | None) -> None:
        """In the table of fonts the one that is told of next, else the one the text is in."""
        self._font = number or 0
        self._group.encoding = self._fonts.get(self._font, self._encoding)

    def charset(self, _: bytes, number: int | None) -> None:
        self._fonts[self._font] = CHARSETS.get(number or 0, self._encoding)

    def no_text(self, _: bytes, __: int | None) -> None:
        """Names of fonts and values of a shape's properties; one of these may be a picture."""
        self._group.collected = []

    def fallback(self, _: bytes, number: int | None) -> None:
        self._group.fallback = max(number or 0, 0)

    def default(self, _: bytes, number: int | None) -> None:
        self._default_font = number or 0

    def plain(self, _: bytes, __: int | None) -> None:
        self._group.is_deleted = False
        self._group.encoding = self._fonts.get(self._default_font, self._encoding)

    def deleted(self, _: bytes, number: int | None) -> None:
        self._group.is_deleted = number != 0

    def paragraph(self, word: bytes, number: int | None) -> None:
        stream = self._streams[-1]
        if word == b"pard":
            stream.table_depth = 0
        elif word == b"itap":
            stream.table_depth = max(number or 0, 0)
        elif word == b"intbl":
            stream.table_depth = max(stream.table_depth, 1)
        elif word in {b"sect", b"pagebb"}:
            if word == b"sect":
                stream.end_paragraph()
            stream.is_break_due = True
        elif word in _ON_THE_SAME_PAGE:
            stream.is_break_due = False
        else:
            _ENDS[word](stream)

    def story(self, word: bytes, _: int | None) -> None:
        """A text beside the one it stands in."""
        stream = ParagraphStream(self.flow)
        self._streams.append(stream)
        self.flow.begin_capture()
        self._group.collected = None
        self._group.ends = lambda: self._end_story(word)

    def _end_story(self, word: bytes) -> None:
        self._streams.pop().end()
        text = self.flow.end_capture()
        if word in {b"shptxt", b"dptxbxtext"}:
            self._streams[-1].boxes.append(text)
        elif word == b"atnauthor":
            self._author = text
        elif word in PROPERTIES:
            self.metadata.update({PROPERTIES[word]: text.rstrip("; ")} if text else {})
        elif word == b"annotation":
            self.flow.note(f"[{self._author}] {text}" if self._author and text else text)
        elif word == b"footnote":
            self.flow.note(text)
        elif text and text not in self._told:
            self._told.add(text)
            if self._streams[0].is_break_due:
                self.flow.new_page()
            (self.flow.head if word.startswith(b"header") else self.flow.foot)(text)

    def twice(self, _: bytes, __: int | None) -> None:
        """The first of the two groups inside is for readers without Unicode."""
        self._at = self._data.find(b"{", self._at) + 1 or len(self._data)
        self._skip()
        self._at += 1

    def file(self, word: bytes, _: int | None) -> None:
        """A picture or an object, in hex or as bytes: taken as it stands, decoded when it is read."""
        pieces: list[bytes] = []
        self._group.collected = pieces
        self._group.ends = lambda: self._keep(word.decode(), pieces)

    def _keep(self, kind: str, pieces: list[bytes]) -> None:
        name = f"{kind}{len(self.inside) + 1}"
        content = _NOT_HEX.sub(b"", b"".join(pieces))
        if content:
            self.inside.append(Embedded(name, lambda: _unpacked(content)))


def _known(encoding: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        return "cp1252"


def _unpacked(content: bytes) -> bytes:
    """Bytes of hex digits; of an object what follows its head (MS-OLEDS 2.2.4, 2.2.5)."""
    data = bytes.fromhex(content[: len(content) // 2 * 2].decode())
    if data[4:8] != b"\x02\0\0\0":
        return data
    at = 8
    for _ in range(3):
        at += 4 + int.from_bytes(data[at : at + 4], "little")
    return data[at + 4 :]


_ENDS: dict[bytes, Callable[[ParagraphStream], None]] = {
    b"par": ParagraphStream.end_paragraph,
    b"page": ParagraphStream.end_page,
    b"cell": ParagraphStream.end_cell,
    b"row": ParagraphStream.end_row,
    b"nestcell": ParagraphStream.end_inner_cell,
    b"nestrow": ParagraphStream.end_inner_row,
}
_WORDS: dict[bytes, Callable[[_Rtf, bytes, int | None], None]] = {
    **dict.fromkeys((*_ENDS, b"pard", b"itap", b"intbl", b"sect", b"pagebb", *_ON_THE_SAME_PAGE), _Rtf.paragraph),
    **dict.fromkeys((b"ansicpg", b"mac", b"pc", b"pca"), _Rtf.code_page),
    **dict.fromkeys((b"shptxt", b"dptxbxtext", b"footnote", b"annotation", b"atnauthor", *PROPERTIES), _Rtf.story),
    **dict.fromkeys((b"header", b"headerl", b"headerr", b"headerf"), _Rtf.story),
    **dict.fromkeys((b"footer", b"footerl", b"footerr", b"footerf"), _Rtf.story),
    **dict.fromkeys((b"pict", b"objdata"), _Rtf.file),
    b"f": _Rtf.font_number,
    b"fcharset": _Rtf.charset,
    b"fonttbl": _Rtf.no_text,
    b"sv": _Rtf.no_text,
    b"uc": _Rtf.fallback,
    b"upr": _Rtf.twice,
    b"deff": _Rtf.default,
    b"plain": _Rtf.plain,
    b"deleted": _Rtf.deleted,
}
_STARRED = frozenset({b"shppict", b"shpinst", b"ud", b"do", b"nesttableprops", *_WORDS})
_KNOWN = frozenset({b"u", b"bin", *CHARACTERS, *SKIPPED, *_WORDS})
