"""What a request about reading must hold; all that is wrong with it is said at once."""

from heron.v1 import reading_pb2
from heron_grpc.domain.document import PictureFormat, PictureRequest, ReadRequest
from heron_grpc.rpc.content_rules import ContentRules
from heron_grpc.rpc.how_to_read import how_to_read
from heron_grpc.rpc.violations import Violations
from heron_grpc.settings import FrontSettings

_LEAST_SIDE, _DEFAULT_SIDE, _LONGEST_SIDE = 16, 1600, 4096
_FORMATS = {
    reading_pb2.IMAGE_FORMAT_UNSPECIFIED: PictureFormat.PNG,
    reading_pb2.IMAGE_FORMAT_PNG: PictureFormat.PNG,
    reading_pb2.IMAGE_FORMAT_WEBP: PictureFormat.WEBP,
    reading_pb2.IMAGE_FORMAT_JPEG: PictureFormat.JPEG,
}


class ReadingRules:
    """Every method raises InvalidRequest and DocumentTooLarge. Requests come without a file and its origin."""

    def __init__(self, limits: FrontSettings) -> None:
        self._content = ContentRules(limits)

    def document(self, request: reading_pb2.ReadDocumentRequest) -> ReadRequest:
        """How to read a small file."""
        violations = Violations()
        violations.check(request.HasField("content"), "content", "is required")
        self._content.check(request.content, "content", violations)
        wanted = _wanted(request.options, violations)
        violations.raise_if_any()
        self._content.require_small(request.content)
        return wanted

    def upload(self, start: reading_pb2.ReadUploadStart) -> ReadRequest:
        """How to read an upload."""
        violations = Violations()
        self._content.check_header(start.header, "start.header", violations)
        wanted = _wanted(start.options, violations, searchable_pdf=start.searchable_pdf)
        violations.raise_if_any()
        self._content.require_size(start.header)
        return wanted

    def picture(self, request: reading_pb2.GetPageImageRequest) -> PictureRequest:
        """Which page to draw, and how."""
        violations = Violations()
        violations.check(request.HasField("content"), "content", "is required")
        self._content.check(request.content, "content", violations)
        side = request.max_side or _DEFAULT_SIDE
        violations.check(request.page >= 0, "page", "0 (the first) or a 1-based number")
        violations.check(_LEAST_SIDE <= side <= _LONGEST_SIDE, "max_side", f"{_LEAST_SIDE} to {_LONGEST_SIDE}")
        violations.check(request.format in _FORMATS, "format", "not a known format")
        violations.raise_if_any()
        self._content.require_small(request.content)
        return PictureRequest(request.page or 1, side, _FORMATS[request.format])


def _wanted(options: reading_pb2.ReadOptions, violations: Violations, *, searchable_pdf: bool = False) -> ReadRequest:
    how = how_to_read(options, violations)
    return ReadRequest(
        path="",
        ocr=how.ocr,
        languages=how.languages,
        page_ranges=how.page_ranges,
        with_words=not options.omit_words,
        all_words=not options.omit_words,
        with_tables=not options.omit_tables,
        searchable_pdf=searchable_pdf,
    )
