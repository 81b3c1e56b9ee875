"""What a child may be asked for: a reading, one with a searchable PDF after it, or a page's picture."""

from collections.abc import Iterator

from heron_grpc.domain.document import ReadRequest
from heron_grpc.domain.steps import Step
from heron_grpc.reading.pictures import draw_page
from heron_grpc.reading.read_document import read_document
from heron_grpc.reading.searchable_pdf import with_searchable_pdf
from heron_grpc.settings import ReadingSettings


def fulfil(request: ReadRequest, settings: ReadingSettings) -> Iterator[Step]:
    """The steps asked for. Blocks; to be called where it can be killed.

    Raises DocumentError, NotFound for a page to draw that is not there, and what parsers of foreign bytes raise.
    """
    if request.picture:
        return draw_page(request, request.picture, settings)
    if request.searchable_pdf:
        return with_searchable_pdf(request, settings)
    return read_document(request, settings)
