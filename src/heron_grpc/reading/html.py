"""HTML (the WHATWG's living standard): the text a browser shows, in order, with its blocks and tables."""

import base64
import binascii
import codecs
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import unquote_to_bytes

from lxml import etree

from heron_grpc.domain.document import DocumentWarning
from heron_grpc.domain.errors import CorruptDocument
from heron_grpc.domain.steps import Metadata, Step
from heron_grpc.reading.decoding import Decoded, decode
from heron_grpc.reading.embedded import Embedded
from heron_grpc.reading.html_story import HtmlStory
from heron_grpc.reading.inside import read_inside
from heron_grpc.reading.page_flow import PageFlow
from heron_grpc.reading.page_selection import STAGE
from heron_grpc.reading.reader import ReadOptions
from heron_grpc.reading.text import encoding_warnings
from heron_grpc.settings import KIB, MIB

# A tree takes some ten times as much memory; pages saved with their pictures in them are large for those.
_MOST_BYTES = 64 * MIB
_DECLARATION_BYTES = 4 * KIB
_CHARSET = re.compile(rb"<(?:meta|\?xml)[^>]{0,300}?(?:charset|encoding)\s*=\s*[\"']?\s*([\w.:-]{2,40})", re.IGNORECASE)
# A tag from its name to its end, quoted or not: nothing is looked at twice.
_TAG = re.compile(rb"<([A-Za-z][\w:-]{0,40})((?:[^>\"']++|\"[^\"]*+\"|'[^']*+'|[\"'])*+)>?")
# The parser takes quadratic time for attributes: a second for 25,000. Shorter tags cannot have so many.
_MOST_ATTRIBUTES = 1_000
_SHORT_TAG = 4 * KIB
_VALUE = re.compile(rb"=\s*+(?:\"[^\"]*+\"|'[^']*+')")
_BETWEEN = re.compile(rb"[\s\"'/=]+")
# For what no tree can be made of.
_MARKUP = re.compile(r"<(script|style)\b.*?</\1>|<[^<>]*>", re.IGNORECASE | re.DOTALL)
_DATA_PICTURE = re.compile(r"data:image/(png|jpe?g|gif|webp|bmp|tiff)[^,]{0,100},", re.IGNORECASE)
_META = {"description", "author", "keywords", "generator", "date", "subject"}


def read_html(path: str, options: ReadOptions) -> Iterator[Step]:
    """One page. Raises CorruptDocument when the bytes are no text."""
    with Path(path).open("rb") as file:
        data = file.read(_MOST_BYTES)
    decoded = _decoded(data)
    yield from encoding_warnings(decoded)
    flow = PageFlow()
    root = add_html(decoded.text, flow, options.settings.max_text_chars)
    if root is None:
        yield DocumentWarning(
            "SYNTAX_BROKEN", "the document is nested too deeply: its words were read one by one", STAGE
        )
        yield from flow.steps(options)
        return
    yield Metadata(_metadata(root))
    yield from flow.steps(options)
    yield from read_inside(_pictures(root), flow.count, options)


def add_html(text: str, flow: PageFlow, most_chars: int) -> etree._Element | None:
    """Adds what a document or a piece of one says to the flow, and returns its tree.

    None for what is nested more than 2048 deep, or empty: its words are added as they come.
    """
    root = _root(text)
    if root is not None:
        HtmlStory(flow, root, most_chars).read()
        return root
    for line in _MARKUP.sub(" ", text).split("\n"):
        flow.line(unescape(line).strip())
    return None


def _root(text: str) -> etree._Element | None:
    # Without the parser's leave to be large it drops what is nested 256 deep: tags never closed come to that.
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True, huge_tree=True)
    data = _TAG.sub(_thinned, text.replace("\x00", "").encode("utf-8", "replace"))
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None
    is_whole = all(error.type != etree.ErrorTypes.ERR_RESOURCE_LIMIT for error in parser.error_log)
    return root if is_whole else None


def _decoded(data: bytes) -> Decoded:
    """By byte order mark, what the document declares, UTF-8, or the likeliest guess, in this order."""
    named = _CHARSET.search(data, 0, _DECLARATION_BYTES)
    name = named.group(1).decode("ascii", "replace").lower() if named else ""
    # What browsers read instead: Windows-1252 holds all of Latin-1's letters, and UTF-16 could not be read so far.
    name = {"iso-8859-1": "cp1252", "latin1": "cp1252", "us-ascii": "cp1252", "utf-16": "utf-8"}.get(name, name)
    if name and not data.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return Decoded(data.decode(name), name)
        except (LookupError, UnicodeDecodeError):
            # Declared wrongly, or by nobody known.
            pass
    decoded = decode(data)
    if decoded is None:
        raise CorruptDocument("the document begins as text and goes on as something else")
    return decoded


def _thinned(tag: re.Match[bytes]) -> bytes:
    """The tag, without its attributes where there are too many."""
    whole = tag.group()
    is_short = len(whole) < _SHORT_TAG or len(_BETWEEN.findall(_VALUE.sub(b"=", whole))) <= _MOST_ATTRIBUTES
    return whole if is_short else b"<" + tag.group(1) + b">"


def _metadata(root: etree._Element) -> dict[str, str]:
    found = {"title": " ".join("".join(title.itertext()) for title in root.iterfind(".//head/title"))}
    for meta in root.iter("meta"):
        name = (meta.get("name") or meta.get("property") or "").lower().removeprefix("dc.").removeprefix("og:")
        if name in _META or (name == "title" and not found["title"]):
            found[name] = meta.get("content") or ""
    found["language"] = root.get("lang") or ""
    return {name: " ".join(value.split()) for name, value in found.items() if value.strip()}


def _pictures(root: etree._Element) -> Iterator[Embedded]:
    """Those whose bytes stand in the document itself."""
    for number, image in enumerate(root.iter("img"), 1):
        source = image.get("src") or ""
        if match := _DATA_PICTURE.match(source.lstrip()):
            yield Embedded(f"image{number}.{match.group(1).lower()}", lambda source=source: _unpacked(source))  # type: ignore[misc]


def _unpacked(address: str) -> bytes:
    """What a data URL holds (RFC 2397). Raises CorruptDocument."""
    head, _, body = address.partition(",")
    content = unquote_to_bytes(body)
    try:
        return base64.b64decode(content) if "base64" in head.lower() else content
    except binascii.Error as error:
        raise CorruptDocument("the picture in the document is damaged") from error
