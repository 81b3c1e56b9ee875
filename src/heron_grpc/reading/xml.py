"""XML (W3C, fifth edition): a line "name: value" for each element with text, without entities and the network."""

import base64
import binascii
import re
from collections.abc import Iterator
from pathlib import Path

from lxml import etree

from heron_grpc.domain.errors import CorruptDocument
from heron_grpc.domain.steps import Metadata, Step
from heron_grpc.reading.embedded import Embedded
from heron_grpc.reading.inside import read_inside
from heron_grpc.reading.json_values import read_broken
from heron_grpc.reading.page_flow import PageFlow
from heron_grpc.reading.reader import ReadOptions
from heron_grpc.settings import KIB, MIB

# A tree of small elements takes some forty times as much memory.
_MOST_BYTES = 32 * MIB
# Longer texts speak for themselves.
_LONGEST_NAMED = 200
# Attributes about the document, not of it.
_TECHNICAL = ("{http://www.w3.org/2001/XMLSchema-instance}", "{http://www.w3.org/XML/1998/namespace}")
_SVG = "{http://www.w3.org/2000/svg}"
_SVG_TEXTS = tuple(_SVG + name for name in ("title", "desc", "text"))
# Characters above which base64 without a file's name is no word either.
_LEAST_FILE = 1_000
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]+")
_PROLOGUE_BYTES = 64 * KIB


def read_xml(path: str, options: ReadOptions) -> Iterator[Step]:
    """One page. What is not well-formed is read as plain text, with a warning.

    Files in it, such as attachments of electronic invoices, are read as documents inside it. Raises CorruptDocument for
    a document that declares entities.
    """
    root = _root(path) if Path(path).stat().st_size <= _MOST_BYTES else None
    if root is None:
        yield from read_broken(path, options, "XML")
        return
    name = etree.QName(root)
    yield Metadata({"root": name.localname, **({"namespace": name.namespace} if name.namespace else {})})
    flow = PageFlow()
    story = _Story(flow, options.settings.max_text_chars)
    if root.tag == f"{_SVG}svg":
        for element in root.iter(*_SVG_TEXTS):
            flow.line(_text(element))
    else:
        story.add(root)
    yield from flow.steps(options)
    yield from read_inside(story.inside, flow.count, options)


def _root(path: str) -> etree._Element | None:
    """None for what is not well-formed or nested more than 256 deep."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    data = Path(path).read_bytes()
    prologue = data[:_PROLOGUE_BYTES].replace(b"\0", b"")
    if b"<!DOCTYPE" in prologue and b"<!ENTITY" in prologue:
        raise CorruptDocument("the document declares XML entities")
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None
    declared = root.getroottree().docinfo.internalDTD
    if declared is not None and any(True for _ in declared.iterentities()):
        raise CorruptDocument("the document declares XML entities")
    return root


class _Story:
    """Adds what elements say to a flow, up to so many code points."""

    def __init__(self, flow: PageFlow, chars: int) -> None:
        self._flow, self._chars_left = flow, chars
        # Elements that hold others and have not been named yet.
        self._opened: list[str] = []
        self.inside: list[Embedded] = []

    def add(self, root: etree._Element) -> None:
        """All but the root's own name, which is in the metadata."""
        if len(root) == 0 or _has_own_text(root):
            self._flow.line(_text(root))
            return
        for element in root:
            self._element(element)

    def _element(self, element: etree._Element) -> None:
        if not isinstance(element.tag, str) or self._chars_left < 0:
            return
        name = etree.QName(element).localname
        attributes = _attributes(element)
        if len(element) == 0 or _has_own_text(element):
            self._leaf(element, name, attributes)
            return
        self._opened.append(f"{name} ({attributes})" if attributes else name)
        depth = len(self._opened)
        for child in element:
            self._element(child)
        del self._opened[depth - 1 :]

    def _leaf(self, element: etree._Element, name: str, attributes: str) -> None:
        text = _text(element)
        if self._is_file(element, name, text) or not (text or attributes):
            return
        if self._opened:
            self._flow.line(" / ".join(self._opened))
            self._opened.clear()
        self._chars_left -= len(name) + len(text) + len(attributes)
        shown = " ".join(filter(None, (text, f"({attributes})" if attributes else "")))
        self._flow.line(f"{name}: {shown}" if len(text) <= _LONGEST_NAMED else shown)

    def _is_file(self, element: etree._Element, name: str, text: str) -> bool:
        """A file as base64, which is no text to read."""
        is_named = "filename" in element.attrib or "mimeCode" in element.attrib
        if len(element) or not text or not (is_named or len(text) > _LEAST_FILE) or not _BASE64.fullmatch(text):
            return False
        self.inside.append(Embedded(element.get("filename") or name, lambda: _unpacked(text)))
        return True


def _has_own_text(element: etree._Element) -> bool:
    """Whether text stands beside its elements, as in prose."""
    return bool((element.text or "").strip()) or any((child.tail or "").strip() for child in element)


def _text(element: etree._Element) -> str:
    return " ".join("".join(element.itertext()).split())


def _attributes(element: etree._Element) -> str:
    values = (
        (name.rpartition("}")[2], value.strip())
        for name, value in element.attrib.items()
        if not name.startswith(_TECHNICAL)
    )
    return ", ".join(f"{name}: {value}" for name, value in values if value)


def _unpacked(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except binascii.Error as error:
        raise CorruptDocument("the file in the document is damaged") from error
