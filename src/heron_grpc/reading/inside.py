"""What of the pictures and files inside an office document is worth reading: no icons, nothing twice."""

import io
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from hashlib import blake2b

from PIL import Image

from heron_grpc.domain.document import DocumentWarning
from heron_grpc.domain.errors import CorruptDocument
from heron_grpc.domain.steps import Step
from heron_grpc.reading.containers import OLE_SIGNATURE
from heron_grpc.reading.embedded import Embedded, read_embedded
from heron_grpc.reading.office_package import OfficePackage
from heron_grpc.reading.ole_storage import held_file
from heron_grpc.reading.page_selection import STAGE
from heron_grpc.reading.reader import ReadOptions

# Pixels: below, it is an icon, a bullet or a rule; a line of legible print is some 20 high.
_LEAST_WIDTH, _LEAST_HEIGHT = 100, 40
# Version 2 of QuickDraw's pictures, after their size and frame.
_PICT = b"\x00\x11\x02\xff\x0c\x00"


def read_inside(inside: Iterable[Embedded], after: int, options: ReadOptions) -> Iterator[Step]:
    """As read_embedded, of what is worth it; drawings in formats nothing here can draw are counted in a warning."""
    drawings: list[str] = []
    yield from read_embedded(_worth_reading(inside, drawings), after, options)
    if drawings:
        message = f"pictures in formats that are not read (EMF, WMF, PICT) were left out: {len(drawings)}"
        yield DocumentWarning("PICTURES_LEFT_OUT", message, STAGE)


def package_parts(package: OfficePackage, names: Iterable[str]) -> Iterator[Embedded]:
    """Parts of an archive, as documents inside it."""
    for name in dict.fromkeys(names):
        yield Embedded(name.rpartition("/")[2], partial(package.content, name))


def _worth_reading(inside: Iterable[Embedded], drawings: list[str]) -> Iterator[Embedded]:
    seen: set[bytes] = set()
    for each in inside:
        try:
            content = each.unpack()
        except CorruptDocument:
            yield each
            continue
        name, content = _unwrapped(each.name, content)
        digest = blake2b(content, digest_size=16).digest()
        if digest in seen or not content:
            continue
        seen.add(digest)
        if _is_metafile(content):
            drawings.append(name)
        elif not _is_small(content):
            yield Embedded(name, partial(bytes, content))


def _is_metafile(content: bytes) -> bool:
    """Drawings of Windows (MS-EMF 2.3.4.2, MS-WMF 2.3.2), packed or not, and of the Macintosh, with a head or not."""
    is_enhanced = content.startswith(b"\x01\0\0\0") and content[40:44] == b" EMF"
    if content.startswith(_PICT, 10) or content.startswith(_PICT, 522):
        return True
    return is_enhanced or content.startswith((b"\xd7\xcd\xc6\x9a", b"\x01\0\x09\0\0\x03", b"\x1f\x8b"))


def _is_small(content: bytes) -> bool:
    """Only the header is parsed; what is no picture, or far too large a one, is not small."""
    errors = (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError)
    with suppress(*errors), Image.open(io.BytesIO(content)) as image:
        return image.width < _LEAST_WIDTH or image.height < _LEAST_HEIGHT
    return False


def _unwrapped(name: str, content: bytes) -> tuple[str, bytes]:
    """The file an OLE object holds; the object itself where it is one that programs store their documents in."""
    if not content.startswith(OLE_SIGNATURE):
        return name, content
    return held_file(content, name)
