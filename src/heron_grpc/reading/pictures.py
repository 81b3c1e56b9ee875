"""One page of a document as a picture."""

from collections.abc import Iterator
from io import BytesIO

from PIL import Image

from heron_grpc.domain.document import Part, PictureFormat, PictureRequest, ReadRequest
from heron_grpc.domain.errors import NotFound
from heron_grpc.domain.steps import Picture, Piece, Step
from heron_grpc.reading.visible_pages import open_pages, visible_media_type
from heron_grpc.settings import ReadingSettings

_QUALITY = 85


def draw_page(request: ReadRequest, wanted: PictureRequest, settings: ReadingSettings) -> Iterator[Step]:
    """The document's Part, the Picture, its bytes. Blocks; to be called where it can be killed.

    Raises DocumentError, and NotFound for a page the document does not have.
    """
    media_type = visible_media_type(request.path, request.filename)
    yield Part(0, media_type)
    with open_pages(request.path, media_type, request.password, settings) as pages:
        if wanted.page > pages.count:
            facts = {"field": "page", "page_count": str(pages.count)}
            raise NotFound(f"the document has no page {wanted.page}", facts)
        image = pages.draw(wanted.page, wanted.max_side)
        yield Picture(image.width, image.height, pages.count)
        yield Piece(_encoded(image, wanted.format))


def _encoded(image: Image.Image, form: PictureFormat) -> bytes:
    buffer = BytesIO()
    match form:
        case PictureFormat.PNG:
            image.save(buffer, "PNG")
        case PictureFormat.WEBP:
            image.save(buffer, "WEBP", quality=_QUALITY)
        case PictureFormat.JPEG:
            image.save(buffer, "JPEG", quality=_QUALITY, optimize=True)
    return buffer.getvalue()
