"""Word documents (ECMA-376, usual and strict): page by page, with headers, footers, notes and comments."""

from collections.abc import Iterator
from functools import partial

from lxml import etree

from heron_grpc.domain.errors import CorruptDocument
from heron_grpc.domain.steps import Metadata, Step
from heron_grpc.reading.docx_numbering import Numbering
from heron_grpc.reading.docx_story import REFERENCES, SECTION, Story, W
from heron_grpc.reading.drawing import R
from heron_grpc.reading.inside import package_parts, read_inside
from heron_grpc.reading.office_package import OfficePackage, open_package
from heron_grpc.reading.office_properties import office_metadata
from heron_grpc.reading.page_flow import PageFlow
from heron_grpc.reading.reader import ReadOptions

_NOTES = (f"{W}footnote", f"{W}endnote", f"{W}comment")
_HEADER, _FOOTER = f"{W}headerReference", f"{W}footerReference"
# Where these begin, no page does.
_ON_THE_SAME_PAGE = frozenset({"continuous", "nextColumn"})


def read_docx(path: str, options: ReadOptions) -> Iterator[Step]:
    """Pages end where a break was set and where Word last broke them; a document without either is one page.

    Raises CorruptDocument, EncryptedDocument and ReadingLimitExceeded.
    """
    with open_package(path, options.settings) as package:
        yield Metadata(office_metadata(package))
        document = _Document(package)
        document.read()
        yield from package.damage()
        yield from document.flow.steps(options)
        yield from read_inside(package_parts(package, document.inside), document.flow.count, options)


class _Document:
    """The body in its sections. A header stands on top of the first page it is for, a footer at its end: both once."""

    def __init__(self, package: OfficePackage) -> None:
        self._package = package
        self._name = package.main_part("word/document.xml")
        self._related = {relation.kind: relation.target for relation in package.relations(self._name).values()}
        self._numbering = Numbering(package, self._related.get("numbering", ""), self._related.get("styles", ""))
        self.flow = PageFlow()
        self.inside: dict[str, None] = {}
        self._notes = {kind: self._notes_of(kind) for kind in REFERENCES.values() if kind in self._related}
        self._told: set[str] = set()

    def read(self) -> None:
        """Fills the flow."""
        root = self._package.xml(self._name)
        body = None if root is None else root.find(f"{W}body")
        if body is None:
            raise CorruptDocument("the Word document has no body")
        story = self._story(self._name)
        sections = iter(
            [each for each in body.iter(SECTION) if each.getparent() is body or each.getparent().tag == f"{W}pPr"]
        )
        story.on_reference = self._place
        story.on_section = lambda: self._begin(story, next(sections, None), is_first=False)
        self._begin(story, next(sections, None), is_first=True)
        story.blocks(body)
        for kind, notes in self._notes.items():
            for number in list(notes):
                self._tell(kind, number)

    def _story(self, name: str) -> Story:
        return Story(self._package, name, self.flow, self._numbering, self.inside)

    def _begin(self, story: Story, section: etree._Element | None, *, is_first: bool) -> None:
        if section is None:
            return
        kind = section.find(f"{W}type")
        if not is_first and (kind is None or kind.get(f"{W}val") not in _ON_THE_SAME_PAGE):
            self.flow.new_page()
        for reference in section.iterchildren(_HEADER, _FOOTER):
            name = story.target(reference.get(f"{R}id"))
            root = self._package.optional_xml(name) if name else None
            text = "" if root is None else self.flow.captured(partial(self._story(name).blocks, root))
            if text and text not in self._told:
                self._told.add(text)
                (self.flow.head if reference.tag == _HEADER else self.flow.foot)(text)

    def _notes_of(self, kind: str) -> dict[str, etree._Element]:
        root = self._package.optional_xml(self._related[kind])
        return {} if root is None else {note.get(f"{W}id", ""): note for note in root.iterchildren(*_NOTES)}

    def _place(self, kind: str, number: str) -> None:
        """Footnotes and comments stand at the end of the page that refers to them, endnotes at the very end."""
        if kind != "endnotes" and number in self._notes.get(kind, {}):
            self._tell(kind, number)

    def _tell(self, kind: str, number: str) -> None:
        note = self._notes[kind].pop(number)
        text = self.flow.captured(partial(self._story(self._related[kind]).blocks, note))
        author = note.get(f"{W}author")
        self.flow.note(f"[{author}] {text}" if author and text else text)
