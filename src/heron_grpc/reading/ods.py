"""OpenDocument spreadsheets (ODF 1.3): a page and a table for each sheet, cells as shown, dates in ISO 8601."""

from collections.abc import Iterator
from dataclasses import replace

from lxml import etree

from heron_grpc.domain.document import Table
from heron_grpc.domain.errors import CorruptDocument
from heron_grpc.domain.steps import Metadata, Step
from heron_grpc.reading.inside import package_parts, read_inside
from heron_grpc.reading.odf_story import OFFICE, STYLE, TEXT, OdfStory
from heron_grpc.reading.odt import check_encryption, odf_metadata
from heron_grpc.reading.office_package import open_package
from heron_grpc.reading.page_flow import PageFlow
from heron_grpc.reading.reader import ReadOptions

_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_PARAGRAPH = f"{TEXT}p"


def read_ods(path: str, options: ReadOptions) -> Iterator[Step]:
    """Hidden sheets are read too and told in the metadata.

    Raises CorruptDocument, EncryptedDocument and ReadingLimitExceeded.
    """
    with open_package(path, options.settings) as package:
        check_encryption(package)
        content = package.xml("content.xml")
        body = None if content is None else content.find(f"{OFFICE}body/{OFFICE}spreadsheet")
        if body is None:
            raise CorruptDocument("the document has no sheets")
        sheets = body.findall(f"{_TABLE}table")
        hidden = _hidden(content, sheets)
        yield Metadata({**odf_metadata(package), **({"hidden_sheets": ", ".join(hidden)} if hidden else {})})
        flow = PageFlow()
        inside: dict[str, None] = {}
        story = OdfStory(flow, on_object=inside.setdefault)
        for at, sheet in enumerate(sheets):
            if at:
                flow.new_page(even_if_blank=True)
            flow.line(_name(sheet))
            _write_values(sheet)
            story.blocks([sheet])
        yield from map(_without_blank_rows, flow.steps(options))
        pictures = (name.removeprefix("./") for name in inside)
        yield from read_inside(package_parts(package, filter(package.__contains__, pictures)), flow.count, options)


def _without_blank_rows(step: Step) -> Step:
    return replace(step, rows=tuple(filter(any, step.rows))) if isinstance(step, Table) else step


def _name(sheet: etree._Element) -> str:
    return str(sheet.get(f"{_TABLE}name", ""))


def _hidden(content: etree._Element, sheets: list[etree._Element]) -> list[str]:
    shut = {
        style.get(f"{STYLE}name")
        for style in content.iterfind(f"{OFFICE}automatic-styles/{STYLE}style")
        if any(each.get(f"{_TABLE}display") == "false" for each in style)
    }
    return [_name(sheet) for sheet in sheets if sheet.get(f"{_TABLE}style-name") in shut]


def _write_values(sheet: etree._Element) -> None:
    """Puts the value where the cell shows a date or time as its writer's country does, or nothing at all."""
    for cell in sheet.iter(f"{_TABLE}table-cell"):
        date = cell.get(f"{OFFICE}date-value")
        paragraph = cell.find(_PARAGRAPH)
        if date:
            value = date.removesuffix("T00:00:00").replace("T", " ")
        elif paragraph is None:
            value = cell.get(f"{OFFICE}value") or cell.get(f"{OFFICE}string-value") or ""
        else:
            continue
        if value:
            paragraph = etree.SubElement(cell, _PARAGRAPH) if paragraph is None else paragraph
            paragraph[:] = []
            paragraph.text = value
