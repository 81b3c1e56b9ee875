"""Office archives (ECMA-376, ODF, EPUB): opened only when bounded, not encrypted and free of entities."""

import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import unquote

from lxml import etree

from heron_grpc.domain.document import DocumentWarning
from heron_grpc.domain.errors import CorruptDocument, EncryptedDocument, ReadingLimitExceeded
from heron_grpc.reading.page_selection import STAGE
from heron_grpc.settings import KIB, MIB, ReadingSettings

_MOST_ENTRIES = 5_000
# Real documents stay below 40; text that repeats a few bytes for ever reaches 1000 (RFC 1951).
_MOST_RATIO = 200
_RATIO_FROM_BYTES = 4 * MIB
_MOST_XML_BYTES = 64 * MIB
_ENCRYPTED_FLAG = 0x1
_PROLOGUE_BYTES = 4 * KIB
# In the encodings an XML parser recognises by itself.
_DOCTYPES = tuple("<!DOCTYPE".encode(encoding) for encoding in ("ascii", "utf-16-le", "utf-16-be"))
_XML_SUFFIXES = (".xml", ".rels", ".xhtml", ".html", ".htm", ".opf")
# What zipfile raises for damaged archives, unknown compression and false checksums.
_DAMAGE = (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError, OSError, RuntimeError, zlib.error)
# The strict variant's names of what the usual one calls http://schemas.openxmlformats.org/.../2006/...
_STRICT = re.compile(rb"http://purl\.oclc\.org/ooxml/(\w+)/(\w+)")
_USUAL = rb"http://schemas.openxmlformats.org/\1/2006/\2"


@dataclass(frozen=True, slots=True)
class Relation:
    """What a part refers to: the last word of the relation's type, and the part it names."""

    kind: str
    target: str


class OfficePackage:
    """The parts of an open archive, by their names without regard to case."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._entries = {_normal(entry.filename): entry for entry in archive.infolist()}
        self._damaged: set[str] = set()
        self._parser = etree.XMLParser(
            resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
        )

    def __contains__(self, name: str) -> bool:
        return _normal(name) in self._entries

    def content(self, name: str) -> bytes:
        """The part's bytes. Raises CorruptDocument where it is missing or damaged."""
        try:
            return self._archive.read(self._entries[_normal(name)])
        except (KeyError, *_DAMAGE) as error:
            raise CorruptDocument("a part of the document is missing or damaged") from error

    def xml(self, name: str) -> etree._Element | None:
        """The part's root, at most 256 elements deep; None where there is no such part. Raises CorruptDocument."""
        if name not in self:
            return None
        content = self.content(name)
        if b"//purl.oclc.org/ooxml/" in content:
            content = _STRICT.sub(_USUAL, content)
        try:
            root = etree.fromstring(content, self._parser)
        except (etree.XMLSyntaxError, ValueError) as error:
            raise CorruptDocument("a part of the document is no well-formed XML") from error
        declared = root.getroottree().docinfo.internalDTD
        if declared is not None and any(True for _ in declared.iterentities()):
            raise CorruptDocument("the document declares XML entities")
        return root

    def optional_xml(self, name: str) -> etree._Element | None:
        """As xml, of a part that the document can be read without: None where it is damaged, and `damage` says so."""
        try:
            return self.xml(name)
        except CorruptDocument:
            self._damaged.add(name)
            return None

    def damage(self) -> Iterator[DocumentWarning]:
        """Whether parts were damaged that the document was read without."""
        if self._damaged:
            message = f"parts of the document are damaged and were not read: {len(self._damaged)}"
            yield DocumentWarning("DOCUMENT_INCOMPLETE", message, STAGE)

    def relations(self, name: str) -> Mapping[str, Relation]:
        """What the part refers to within the package, by the ids it uses for them; "" is the package itself."""
        folder, file = posixpath.split(name)
        root = self.xml(f"{folder}/_rels/{file}.rels")
        if root is None:
            return {}
        return {
            each.get("Id", ""): Relation(each.get("Type", "").rpartition("/")[2], _resolved(folder, target))
            for each in root
            if (target := each.get("Target")) and each.get("TargetMode") != "External"
        }

    def main_part(self, usual: str) -> str:
        """The part everything hangs on. Raises CorruptDocument where there is none."""
        named = [each.target for each in self.relations("").values() if each.kind == "officeDocument"]
        part = next((name for name in (*named, usual) if name in self), None)
        if part is None:
            raise CorruptDocument("the document's main part is missing")
        return part


@contextmanager
def open_package(path: str, settings: ReadingSettings) -> Iterator[OfficePackage]:
    """Raises CorruptDocument, EncryptedDocument and ReadingLimitExceeded."""
    try:
        archive = zipfile.ZipFile(path)
    except _DAMAGE as error:
        raise _damaged() from error
    with archive:
        _check_sizes(archive.infolist(), settings.max_expanded_mb * MIB)
        yield OfficePackage(archive)


def check_package(path: str, settings: ReadingSettings) -> None:
    """For libraries that open the archive themselves. Raises as open_package does, and for entities.

    The sizes in the directory can be trusted as limits: zipfile stops reading an entry there.
    """
    with open_package(path, settings), zipfile.ZipFile(path) as archive:
        try:
            _check_prologues(archive)
        except _DAMAGE as error:
            raise _damaged() from error


def _normal(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").lower()


def _resolved(folder: str, target: str) -> str:
    return posixpath.normpath(posixpath.join("/", folder, unquote(target).replace("\\", "/"))).lstrip("/")


def _check_sizes(entries: Sequence[zipfile.ZipInfo], max_bytes: int) -> None:
    if any(entry.flag_bits & _ENCRYPTED_FLAG for entry in entries):
        raise EncryptedDocument("the document is protected by a password")
    if len(entries) > _MOST_ENTRIES or sum(entry.file_size for entry in entries) > max_bytes:
        raise _expands()
    for entry in entries:
        swollen = entry.file_size > _RATIO_FROM_BYTES and entry.file_size > _MOST_RATIO * max(entry.compress_size, 1)
        if swollen or (_is_xml(entry) and entry.file_size > _MOST_XML_BYTES):
            raise _expands()


def _check_prologues(archive: zipfile.ZipFile) -> None:
    """Office XML has no document type declaration; entities are only ever an attack."""
    for entry in filter(_is_xml, archive.infolist()):
        with archive.open(entry) as file:
            prologue = file.read(_PROLOGUE_BYTES)
        if any(doctype in prologue for doctype in _DOCTYPES):
            raise CorruptDocument("the document declares XML entities")


def _is_xml(entry: zipfile.ZipInfo) -> bool:
    return entry.filename.lower().endswith(_XML_SUFFIXES)


def _damaged() -> CorruptDocument:
    return CorruptDocument("the document's archive is damaged")


def _expands() -> ReadingLimitExceeded:
    return ReadingLimitExceeded("the document's archive expands to more than is read", {"limit": "output"})
