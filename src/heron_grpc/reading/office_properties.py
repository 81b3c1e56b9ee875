"""What Office archives say about themselves: core and application properties (ECMA-376-2, ECMA-376-1 22.2)."""

from collections.abc import Mapping
from datetime import datetime

from docx.opc.coreprops import CoreProperties
from docx.oxml.parser import parse_xml
from lxml import etree

from heron_grpc.domain.errors import CorruptDocument
from heron_grpc.reading.office_package import OfficePackage

_CORE = (
    *("title", "subject", "author", "keywords", "comments", "category", "content_status"),
    *("last_modified_by", "created", "modified", "language"),
)
_APPLICATION = {"Application": "application", "Company": "company", "Manager": "manager", "Template": "template"}


def office_metadata(package: OfficePackage) -> dict[str, str]:
    """What is set; damaged properties are as good as none."""
    targets = {relation.kind: relation.target for relation in package.relations("").values()}
    core = targets.get("core-properties", "docProps/core.xml")
    application = targets.get("extended-properties", "docProps/app.xml")
    try:
        found = {**_core(package, core), **_application(package, application)}
    except CorruptDocument:
        return {}
    return {name: value.strip() for name, value in found.items() if value.strip()}


def _core(package: OfficePackage, name: str) -> Mapping[str, str]:
    if package.xml(name) is None:
        return {}
    try:
        properties = CoreProperties(parse_xml(package.content(name)))
        return {key: _written(getattr(properties, key)) for key in _CORE}
    except (etree.XMLSyntaxError, AttributeError, ValueError) as error:
        # What python-docx raises for elements that are not where the standard has them.
        raise CorruptDocument("the core properties are damaged") from error


def _written(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, str) else ""


def _application(package: OfficePackage, name: str) -> Mapping[str, str]:
    root = package.xml(name)
    elements = () if root is None else root
    values = {etree.QName(element).localname: element.text or "" for element in elements}
    return {ours: values.get(theirs, "") for theirs, ours in _APPLICATION.items()}
