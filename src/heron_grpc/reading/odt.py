"""OpenDocument texts and presentations (ODF 1.3): in order, with headers, footers, notes, comments and objects."""

import posixpath
from collections.abc import Iterator
from functools import partial
from urllib.parse import unquote

from lxml import etree

from heron_grpc.domain.errors import CorruptDocument, EncryptedDocument
from heron_grpc.domain.steps import Metadata, Step
from heron_grpc.reading.inside import package_parts, read_inside
from heron_grpc.reading.odf_story import DRAW, OFFICE, PRESENTATION, STYLE, OdfStory, page_breaks
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
# A chart in a text in a chart ...
_DEEPEST_OBJECT = 3


def read_odt(path: str, options: ReadOptions) -> Iterator[Step]:
    """Pages end where a break is set and where the program last broke them; slides are pages.

    Raises CorruptDocument, EncryptedDocument and ReadingLimitExceeded.
    """
    with open_package(path, options.settings) as package:
        check_encryption(package)
        yield Metadata(odf_metadata(package))
        flow = PageFlow()
        inside: dict[str, None] = {}
        _Document(package, flow, inside).read("", _DEEPEST_OBJECT)
        yield from flow.steps(options)
        yield from read_inside(package_parts(package, inside), flow.count, options)


class _Document:
    """The document and the ones drawn in it."""

    def __init__(self, package: OfficePackage, flow: PageFlow, inside: dict[str, None]) -> None:
        self._package, self._flow, self._inside = package, flow, inside
        self._read: set[str] = set()

    def read(self, folder: str, depth: int) -> None:
        """Adds what the document in the folder says to the flow."""
        content = self._package.xml(posixpath.join(folder, "content.xml"))
        styles = self._package.xml(posixpath.join(folder, "styles.xml"))
        body = None if content is None else content.find(f"{OFFICE}body")
        if body is None:
            raise CorruptDocument("the document has no body")
        if not folder:
            self._headers(styles)
        story = OdfStory(self._flow, *page_breaks(content, styles))
        slides = list(body.iter(f"{DRAW}page"))
        for number, slide in enumerate(slides):
            if number:
                self._flow.new_page(even_if_blank=True)
            story.blocks(slide)
            for notes in slide.iterchildren(f"{PRESENTATION}notes"):
                self._flow.note(self._flow.captured(partial(story.blocks, notes)))
        if not slides:
            story.blocks(body)
        for name in story.inside:
            self._object(posixpath.normpath(posixpath.join(folder, unquote(name))), depth)

    def _headers(self, styles: etree._Element | None) -> None:
        """Different ones once each, on the first page."""
        told: set[str] = set()
        for element in () if styles is None else styles.iter(*_HEADERS, *_FOOTERS):
            text = self._flow.captured(partial(OdfStory(self._flow, inside=self._inside).blocks, element))
            if text and text not in told:
                told.add(text)
                (self._flow.head if element.tag in _HEADERS else self._flow.foot)(text)

    def _object(self, name: str, depth: int) -> None:
        """A picture or file; a chart or formula, which is a document in a folder of its own, adds its text."""
        if f"{name}/content.xml" not in self._package:
            if name in self._package:
                self._inside.setdefault(name)
        elif depth and name not in self._read:
            self._read.add(name)
            self.read(name, depth - 1)


def check_encryption(package: OfficePackage) -> None:
    """Parts are encrypted one by one, or all together (ODF 1.3 part 2, 3.4 and 4.7)."""
    manifest = package.xml("META-INF/manifest.xml")
    if "encrypted-package" in package or (manifest is not None and manifest.find(".//{*}encryption-data") is not None):
        raise EncryptedDocument("the document is protected by a password")


def odf_metadata(package: OfficePackage) -> dict[str, str]:
    """What the document says about itself."""
    root = package.xml("meta.xml")
    found: dict[str, str] = {}
    for element in () if root is None else root.iterfind(f"{OFFICE}meta/*"):
        key = _PROPERTIES.get(etree.QName(element).localname)
        if key and element.text and element.text.strip():
            found[key] = f"{found[key]}, {element.text.strip()}" if key in found else element.text.strip()
    return found
