"""Word's binary files as bytes: header, piece table and the properties of paragraphs and characters (MS-DOC 2)."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from struct import unpack_from

from heron_grpc.domain.errors import CorruptDocument, EncryptedDocument
from heron_grpc.reading.symbol_fonts import symbol

_WORD_97, _WORD_6 = 0xA5EC, 0xA5DC
_FIRST_97 = 0xC1
_IS_COMPLEX, _IS_ENCRYPTED, _TABLE_IS_1 = 0x0004, 0x0100, 0x0200
# Where the header counts the characters of the stories, and where they begin and end when there is no piece table.
_COUNTS_97, _COUNTS_6, _TEXT_6 = 0x4C, 0x34, 0x18
_STRUCTURES_97, _PIECES_6 = 0x9A, 0x160
_HEADERS, _CHARACTERS, _PARAGRAPHS, _FONTS, _SECTIONS, _PIECES = 11, 12, 13, 15, 6, 33
# Where a font's name stands in what is said about the font, and how much is said before the first (MS-DOC 2.9.79).
_FONT_NAME, _FONTS_HEAD = 39, 4
_PAGE = 512
_IN_TABLE, _ENDS_ROW, _DELETED, _SECTION_KIND, _SYMBOL = 0x2416, 0x2417, 0x0800, 0x3009, 0x6A09
_OPERANDS = (1, 1, 2, 4, 2, 2, 0, 3)
_TABLE_DEFINITION = 0xD608
# Code pages by the language of the document, for files from before Unicode.
_LANGUAGES = {
    **dict.fromkeys((0x05, 0x0E, 0x15, 0x18, 0x1A, 0x1B, 0x1C, 0x24), "cp1250"),
    **dict.fromkeys((0x02, 0x19, 0x22, 0x23, 0x2F), "cp1251"),
    **dict.fromkeys((0x25, 0x26, 0x27), "cp1257"),
    0x08: "cp1253",
    0x1F: "cp1254",
    0x0D: "cp1255",
    0x01: "cp1256",
    0x1E: "cp874",
}


@dataclass(frozen=True, slots=True)
class _Piece:
    # First character in the document, how many, and where the first byte of them stands.
    start: int
    count: int
    offset: int
    # Bytes a character.
    width: int


class DocFile:
    """Text and properties by character position. Raises CorruptDocument and EncryptedDocument."""

    def __init__(self, document: bytes, tables: Sequence[bytes]) -> None:
        if len(document) < 0x60 or unpack_from("<H", document)[0] not in {_WORD_97, _WORD_6}:
            raise CorruptDocument("the Word document has no header")
        version, flags = unpack_from("<H", document, 2)[0], unpack_from("<H", document, 10)[0]
        if flags & _IS_ENCRYPTED:
            raise EncryptedDocument("the document is protected by a password")
        self._document = document
        self.is_97 = version >= _FIRST_97
        self._table = tables[bool(flags & _TABLE_IS_1)] if self.is_97 else document
        self._encoding = "cp1252" if self.is_97 else _LANGUAGES.get(document[6], "cp1252")
        # Characters of: body, footnotes, headers, macros, comments, endnotes, text boxes, text boxes of headers.
        self.counts = unpack_from("<8i", document, _COUNTS_97 if self.is_97 else _COUNTS_6)
        self._pieces = self._read_pieces(is_complex=bool(flags & _IS_COMPLEX))
        # Whether text is missing that the header promises.
        self.is_cut = any(piece.offset + piece.count * piece.width > len(document) for piece in self._pieces)
        self._starts = [piece.start for piece in self._pieces]
        self.ends_in_table, self.ends_of_rows = self._paragraphs()

    def text(self) -> str:
        """All stories one after the other; what was deleted while changes were tracked, and ornaments, are NUL."""
        replaced = self._replaced()
        starts = [start for start, _, _ in replaced]
        return "".join(self._piece_text(piece, replaced, starts) for piece in self._pieces)

    def end_offset(self, position: int) -> int:
        """Where the bytes of the character before the position end."""
        at = bisect_right(self._starts, position - 1) - 1
        if at < 0:
            return -1
        piece = self._pieces[at]
        return piece.offset + (position - piece.start) * piece.width

    def header_ends(self) -> list[int]:
        """Character positions within the headers' story at which its texts end."""
        content = self._structure(_HEADERS)
        return list(unpack_from(f"<{len(content) // 4}I", content))[1:]

    def ends_of_continued_sections(self) -> frozenset[int]:
        """Positions in the body at which a section ends and the next goes on on the same page."""
        content = self._structure(_SECTIONS)
        count = (len(content) - 4) // 16
        if count < 2:
            return frozenset()
        ends = unpack_from(f"<{count + 1}I", content)[1:]
        kinds = [
            self._section_kind(unpack_from("<I", content, 4 * (count + 1) + 12 * each + 2)[0]) for each in range(count)
        ]
        return frozenset(end for end, following in zip(ends, kinds[1:], strict=False) if following == 0)

    def _section_kind(self, offset: int) -> int:
        size = int.from_bytes(self._document[offset : offset + 2], "little")
        properties = self._document[offset + 2 : offset + 2 + size]
        return next((operand[0] for code, operand in _properties(properties) if code == _SECTION_KIND and operand), 2)

    def _structure(self, index: int) -> bytes:
        """One of the structures the header points at."""
        at = _STRUCTURES_97 + 8 * index
        if not self.is_97 or at + 8 > len(self._document):
            return b""
        start, size = unpack_from("<II", self._document, at)
        return self._table[start : start + size]

    def _read_pieces(self, *, is_complex: bool) -> list[_Piece]:
        if self.is_97:
            pieces = _pieces(self._structure(_PIECES), is_97=True)
        elif is_complex:
            start, size = (
                unpack_from("<II", self._document, _PIECES_6) if len(self._document) > _PIECES_6 + 8 else (0, 0)
            )
            pieces = _pieces(self._document[start : start + size], is_97=False)
        else:
            start, end = unpack_from("<II", self._document, _TEXT_6)
            pieces = [_Piece(0, max(end - start, 0), start, 1)]
        # Pieces share no bytes; a table that says otherwise would be a bomb.
        if not pieces or sum(piece.count for piece in pieces) > len(self._document):
            raise CorruptDocument("the Word document's table of pieces is damaged")
        return pieces

    def _piece_text(self, piece: _Piece, replaced: Sequence[tuple[int, int, str]], starts: Sequence[int]) -> str:
        end = piece.offset + piece.count * piece.width
        content = self._document[piece.offset : end]
        if piece.width == 2:
            # A character of two halves may begin in one piece and end in the next.
            text = content[: len(content) & ~1].decode("utf-16-le", "surrogatepass")
        else:
            text = content.decode(self._encoding, "replace")
        # Positions count what the header promises, halves of a character included.
        if len(text) != piece.count:
            text = _units(content, piece)
        within = slice(max(bisect_right(starts, piece.offset) - 1, 0), bisect_right(starts, end))
        for first, last, character in replaced[within]:
            start = min(max(first - piece.offset, 0) // piece.width, piece.count)
            stop = min(max(last - piece.offset, 0) // piece.width, piece.count)
            text = text[:start] + character * (stop - start) + text[stop:]
        return text

    def _paragraphs(self) -> tuple[frozenset[int], frozenset[int]]:
        """Offsets at which paragraphs in tables end, and those that end a row."""
        in_table: set[int] = set()
        rows: set[int] = set()
        for _, end, properties in self._runs(_PARAGRAPHS):
            for code, operand in _properties(properties[2:]):
                if operand[:1] == b"\1" and code in {_IN_TABLE, _ENDS_ROW}:
                    (in_table if code == _IN_TABLE else rows).add(end)
        return frozenset(in_table), frozenset(rows)

    def _replaced(self) -> list[tuple[int, int, str]]:
        """Offsets of text that was deleted while changes were tracked or stands for a symbol, and what it says."""
        fonts = self._fonts()
        found = []
        for start, end, content in self._runs(_CHARACTERS):
            properties = dict(_properties(content))
            operand = properties.get(_SYMBOL, b"")
            if properties.get(_DELETED) == b"\1":
                found.append((start, end, "\0"))
            elif len(operand) == 4:
                font, code = unpack_from("<HH", operand)
                found.append((start, end, symbol(fonts[font] if font < len(fonts) else "", code) or "\0"))
        return sorted(found)

    def _fonts(self) -> list[str]:
        content = self._structure(_FONTS)
        names = []
        at = _FONTS_HEAD
        while at < len(content):
            end = at + 1 + content[at]
            name = content[at + 1 + _FONT_NAME : end].decode("utf-16-le", "replace")
            names.append(name.partition("\0")[0])
            at = end
        return names

    def _runs(self, index: int) -> Iterator[tuple[int, int, bytes]]:
        """Offsets of what has properties of its own, and those, from 512-byte pages (MS-DOC 2.9.33 and 2.9.177)."""
        content = self._structure(index)
        count = (len(content) - 4) // 8
        numbers = unpack_from(f"<{count}I", content, 4 * (count + 1)) if count > 0 else ()
        for number in {each & 0x3FFFFF for each in numbers}:
            page = self._document[number * _PAGE : (number + 1) * _PAGE]
            if len(page) == _PAGE and page[-1] <= 101:
                yield from _page_runs(page, is_paragraphs=index == _PARAGRAPHS)


def _pieces(content: bytes, *, is_97: bool) -> list[_Piece]:
    """After any number of property lists (1) comes the table (2): positions, then where each piece stands."""
    at = 0
    while content[at : at + 1] == b"\1":
        at += 3 + int.from_bytes(content[at + 1 : at + 3], "little")
    size = int.from_bytes(content[at + 1 : at + 5], "little")
    table = content[at + 5 : at + 5 + size]
    count = (len(table) - 4) // 12
    if content[at : at + 1] != b"\2" or count < 1:
        return []
    positions = unpack_from(f"<{count + 1}I", table)
    pieces = []
    for each, (start, end) in enumerate(pairwise(positions)):
        offset = unpack_from("<I", table, 4 * (count + 1) + 8 * each + 2)[0]
        is_narrow = not is_97 or offset & 0x40000000
        where = (offset & 0x3FFFFFFF) // 2 if is_97 and is_narrow else offset
        if end > start and where < 0x40000000:
            pieces.append(_Piece(start, end - start, where, 1 if is_narrow else 2))
    return pieces


def _units(content: bytes, piece: _Piece) -> str:
    """A character for each unit of the piece, missing ones as NUL."""
    units = [chr(unit) for unit in unpack_from(f"<{len(content) // piece.width}{'xBH'[piece.width]}", content)]
    return "".join(units)[: piece.count].ljust(piece.count, "\0")


def _page_runs(page: bytes, *, is_paragraphs: bool) -> Iterator[tuple[int, int, bytes]]:
    count = page[-1]
    offsets = unpack_from(f"<{count + 1}I", page)
    for each in range(count):
        at = 2 * page[min(4 * (count + 1) + each * (13 if is_paragraphs else 1), _PAGE - 1)]
        if not 0 < at < _PAGE - 2:
            continue
        if not is_paragraphs:
            size, start = page[at], at + 1
        elif page[at]:
            size, start = 2 * page[at] - 1, at + 1
        else:
            size, start = 2 * page[at + 1], at + 2
        yield offsets[each], offsets[each + 1], page[start : start + size]


def _properties(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Codes and operands of single properties (MS-DOC 2.6)."""
    at = 0
    while at + 2 <= len(content):
        code = int.from_bytes(content[at : at + 2], "little")
        at += 2
        size = _OPERANDS[code >> 13]
        if not size:
            if code == _TABLE_DEFINITION:
                size = 1 + int.from_bytes(content[at : at + 2], "little")
            else:
                size = 1 + int.from_bytes(content[at : at + 1], "little")
        yield code, content[at : at + size]
        at += size
