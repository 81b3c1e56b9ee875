"""OpenDocument texts and presentations (ODF 1.3): in order, with headers, footers, notes, comments and objects."""

import posixpath
from collections.abc import Iterator, Sequence
from functools import partial
from urllib.parse import unquote

from lxml import etree

from heron_grpc.domain.errors import CorruptDocument, EncryptedDocument
from heron_grpc.domain.steps import Metadata, Step
from heron_grpc.reading.inside import package_parts, read_inside
from heron_grpc.reading.odf_numbering import OdfNumbering
from heron_grpc.reading.odf_page_breaks import page_breaks
from heron_grpc.reading.odf_slide import slide_elements
from heron_grpc.reading.odf_story import DRAW, OFFICE, PRESENTATION, STYLE, OdfStory
from heron_grpc.reading.office_package import OfficePackage, open_package
from heron_grpc.reading.page_flow import PageFlow
from heron_grpc.reading.reader import ReadOptions

_PROPERTIES = {
    "title": "title",
    "creator": "author",
    "subject": "subject",
    "description": "comments",
    "keyword": "keywords",
    "creation-date": "created",
    "date": "modified",
    "generator": "application",
    "language": "language",
}
_HEADERS = tuple(STYLE + name for name in ("header", "header-first", "header-left"))
_FOOTERS = tuple(STYLE + name for name in ("footer", "footer-first", "footer-left"))
# Those on slides have a name of their own in most programs.
_COMMENTS = (f"{OFFICE}annotation", "{http://openoffice.org/2009/office}annotation")
# What a formula shows is the text of these (MathML 3, 3.2).
_FORMULA = tuple(f"{{http://www.w3.org/1998/Math/MathML}}{name}" for name in ("mi", "mn", "mo", "ms", "mtext"))
# A chart in a text in a chart ...
_DEEPEST_OBJECT = 3


def read_odt(path: str, options: ReadOptions) -> Iterator[Step]:
    """Pages end where a break is set and where the program last broke them; slides are pages.

    Raises CorruptDocument, EncryptedDocument and ReadingLimitExceeded.
    """
    with open_package(path, options.settings) as package:
        check_encryption(package)
        yield Metadata(odf_metadata(package))
        document = _Document(package)
        document.read()
        yield from package.damage()
        yield from document.flow.steps(options)
        yield from read_inside(package_parts(package, document.inside), document.flow.count, options)


class _Document:
    """The document and the ones drawn in it."""

    def __init__(self, package: OfficePackage) -> None:
        self._package = package
        self.flow = PageFlow()
        # Names of the pictures and files met, in order.
        self.inside: dict[str, None] = {}
        self._met: set[str] = set()

    def read(self) -> None:
        """Fills the flow."""
        content, styles = self._package.xml("content.xml"), self._package.optional_xml("styles.xml")
        body = None if content is None else content.find(f"{OFFICE}body")
        if body is None:
            raise CorruptDocument("the document has no body")
        self._headers(styles)
        story = self._story("", _DEEPEST_OBJECT, page_breaks(content, styles))
        story.label = OdfNumbering(styles, content).label
        slides = list(body.iter(f"{DRAW}page"))
        for number, slide in enumerate(slides):
            if number:
                self.flow.new_page(even_if_blank=True)
            story.blocks(slide_elements(slide))
            for note in slide.iterchildren(f"{PRESENTATION}notes", *_COMMENTS):
                story.note(note)
        if not slides:
            story.blocks(body)

    def _story(self, folder: str, depth: int, breaks: Sequence[frozenset[str]] = ()) -> OdfStory:
        def on_object(reference: str) -> None:
            self._object(posixpath.normpath(posixpath.join(folder, unquote(reference))), depth)

        before, after = breaks or (frozenset(), frozenset())
        return OdfStory(self.flow, before, after, on_object)

    def _headers(self, styles: etree._Element | None) -> None:
        """Different ones once each, on the first page."""
        told: set[str] = set()
        for element in () if styles is None else styles.iter(*_HEADERS, *_FOOTERS):
            text = self.flow.captured(partial(self._story("", _DEEPEST_OBJECT).blocks, element))
            if text and text not in told:
                told.add(text)
                (self.flow.head if element.tag in _HEADERS else self.flow.foot)(text)

    def _object(self, name: str, depth: int) -> None:
        """A picture or file; a chart or formula, which is a document in a folder of its own, adds its text."""
        part = f"{name}/content.xml"
        if part not in self._package:
            if name in self._package:
                self.inside.setdefault(name)
        elif depth and name not in self._met:
            self._met.add(name)
            root = self._package.optional_xml(part)
            if root is not None:
                self._story(name, depth - 1).blocks(root.iterfind(f"{OFFICE}body"))
                self.flow.line("".join(element.text or "" for element in root.iter(*_FORMULA)))


def check_encryption(package: OfficePackage) -> None:
    """Parts are encrypted one by one, or all together (ODF 1.3 part 2, 3.4 and 4.7)."""
    manifest = package.xml("META-INF/manifest.xml")
    if "encrypted-package" in package or (manifest is not None and manifest.find(".//{*}encryption-data") is not None):
        raise EncryptedDocument("the document is protected by a password")


def odf_metadata(package: OfficePackage) -> dict[str, str]:
    """What the document says about itself."""
    root = package.optional_xml("meta.xml")
    found: dict[str, str] = {}
    for element in () if root is None else root.iterfind(f"{OFFICE}meta/*"):
        key = _PROPERTIES.get(etree.QName(element).localname)
        if key and element.text and element.text.strip():
            found[key] = f"{found[key]}, {element.text.strip()}" if key in found else element.text.strip()
    return found
