"""Presentations (ECMA-376, usual and strict): a page a slide, with its notes, comments, charts and tables."""

from collections.abc import Iterator

from lxml import etree

from heron_grpc.domain.document import DocumentWarning
from heron_grpc.domain.errors import CorruptDocument
from heron_grpc.domain.steps import Metadata, Step
from heron_grpc.reading import drawing
from heron_grpc.reading.drawing import A, R, paragraphs
from heron_grpc.reading.inside import package_parts, read_inside
from heron_grpc.reading.office_package import OfficePackage, open_package
from heron_grpc.reading.office_properties import office_metadata
from heron_grpc.reading.page_flow import PageFlow
from heron_grpc.reading.page_selection import STAGE
from heron_grpc.reading.reader import ReadOptions
from heron_grpc.reading.slide_layout import Layouts, P, Shape, in_reading_order, shapes

_FRAME, _TEXT = f"{P}graphicFrame", f"{P}txBody"
_SLIDE_NUMBER, _SLIDE_PICTURE = "sldNum", "sldImg"
_FALSE = frozenset({"0", "false"})


def read_pptx(path: str, options: ReadOptions) -> Iterator[Step]:
    """Slides in the order of the presentation. Raises CorruptDocument, EncryptedDocument and ReadingLimitExceeded."""
    with open_package(path, options.settings) as package:
        yield Metadata(office_metadata(package))
        slides = _Slides(package)
        slides.read()
        yield from (*slides.warnings, *package.damage())
        yield from slides.flow.steps(options)
        yield from read_inside(package_parts(package, slides.inside), slides.flow.count, options)


class _Slides:
    def __init__(self, package: OfficePackage) -> None:
        self._package = package
        self._layouts = Layouts(package)
        self.flow = PageFlow()
        self.inside: dict[str, None] = {}
        self.warnings: list[DocumentWarning] = []

    def read(self) -> None:
        """Fills the flow."""
        name = self._package.main_part("ppt/presentation.xml")
        root = self._package.xml(name)
        relations = self._package.relations(name)
        ids = () if root is None else [each.get(f"{R}id", "") for each in root.iter(f"{P}sldId")]
        names = dict.fromkeys(relations[each].target for each in ids if each in relations)
        for number, slide in enumerate(names, 1):
            if number > 1:
                self.flow.new_page(even_if_blank=True)
            try:
                self._slide(slide, number)
            except CorruptDocument as error:
                self.warnings.append(
                    DocumentWarning("PAGE_DAMAGED", f"the slide was not read: {error.message}", STAGE, number)
                )

    def _slide(self, name: str, number: int) -> None:
        root = self._package.xml(name)
        if root is None:
            raise CorruptDocument("it is missing")
        if root.get("show") in _FALSE:
            message = "the slide is hidden when the presentation is shown"
            self.warnings.append(DocumentWarning("PAGE_HIDDEN", message, STAGE, number))
        relations = self._package.relations(name)
        targets = {key: each.target for key, each in relations.items()}
        layout = next((each.target for each in relations.values() if each.kind == "slideLayout"), "")
        found = [shape for tree in root.iter(f"{P}spTree") for shape in shapes(tree, self._layouts.places(layout))]
        for shape in in_reading_order([each for each in found if _says_something(each)]):
            self._shape(shape, targets)
        self._files(root, targets)
        for relation in relations.values():
            if relation.kind == "notesSlide":
                self._notes(relation.target)
            elif relation.kind == "comments":
                self._comments(relation.target)

    def _shape(self, shape: Shape, targets: dict[str, str]) -> None:
        for body in shape.element.iterchildren(_TEXT):
            for text in paragraphs(body):
                self.flow.line(text)
        if shape.element.tag != _FRAME:
            return
        for table in shape.element.iter(f"{A}tbl"):
            rows = table.iterchildren(f"{A}tr")
            self.flow.table([["\n".join(paragraphs(cell)) for cell in row.iterchildren(f"{A}tc")] for row in rows])
        for chart in shape.element.iter(drawing.CHART):
            drawing.add_chart(self._package, targets.get(chart.get(drawing.CHART_ID, ""), ""), self.flow)
        for diagram in shape.element.iter(drawing.DIAGRAM):
            drawing.add_diagram(self._package, targets.get(diagram.get(drawing.DIAGRAM_ID, ""), ""), self.flow)

    def _files(self, root: etree._Element, targets: dict[str, str]) -> None:
        """Pictures and embedded files, but for the pictures that stand for the files."""
        for element in root.iter(drawing.BLIP, f"{P}oleObj"):
            is_object = element.tag != drawing.BLIP
            target = targets.get(element.get(f"{R}id" if is_object else drawing.BLIP_ID, ""))
            if target and (is_object or not any(True for _ in element.iterancestors(f"{P}oleObj"))):
                self.inside.setdefault(target)

    def _notes(self, name: str) -> None:
        root = self._package.optional_xml(name)
        trees = () if root is None else root.iter(f"{P}spTree")
        for shape in (shape for tree in trees for shape in shapes(tree, {})):
            if shape.fills not in {_SLIDE_NUMBER, _SLIDE_PICTURE, "hdr", "ftr", "dt"}:
                self.flow.note("\n".join(filter(None, paragraphs(shape.element))))

    def _comments(self, name: str) -> None:
        """Of both kinds: plain (ECMA-376-1 19.4) and threaded (MS-PPTX 2.6.1)."""
        root = self._package.optional_xml(name)
        for element in () if root is None else root.iter(f"{P}text", f"{A}p"):
            self.flow.note(element.text or "" if element.tag == f"{P}text" else "".join(paragraphs(element)))


def _says_something(shape: Shape) -> bool:
    """Whether it may have text at all: what has none would only disturb the order."""
    return shape.fills != _SLIDE_NUMBER and (
        shape.element.tag == _FRAME or any(map(str.strip, paragraphs(shape.element)))
    )
