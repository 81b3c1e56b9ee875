"""What a request must hold before anything is done with it; all that is wrong with it is said at once."""

from heron.v1 import classification_pb2
from heron_grpc.domain.classification import ClassifyOptions
from heron_grpc.rpc.content_rules import ContentRules
from heron_grpc.rpc.convert import options_from
from heron_grpc.rpc.violations import Violations
from heron_grpc.settings import FrontSettings

Source = classification_pb2.ClassifyRequest | classification_pb2.ClassifyBulkItem

_MAX_ITEM_ID_BYTES = 128


class RequestRules:
    """Every method raises InvalidRequest; those that see a size, DocumentTooLarge."""

    def __init__(self, limits: FrontSettings) -> None:
        self._limits = limits
        self._content = ContentRules(limits)

    def unary(self, request: classification_pb2.ClassifyRequest) -> ClassifyOptions:
        """The options of a request with a text or a small file."""
        violations = Violations()
        options = options_from(request.options, violations)
        self._check_source(request, violations)
        violations.raise_if_any()
        self._content.require_small(request.content)
        return options

    def upload(self, start: classification_pb2.ClassifyUploadStart) -> ClassifyOptions:
        """The options of an upload."""
        violations = Violations()
        options = options_from(start.options, violations)
        self._content.check_header(start.header, "start.header", violations)
        violations.raise_if_any()
        self._content.require_size(start.header)
        return options

    def bulk(self, start: classification_pb2.ClassifyBulkStart) -> ClassifyOptions:
        """The options of all documents of a stream."""
        violations = Violations()
        options = options_from(start.options, violations)
        violations.check(
            start.max_in_flight >= 0, "start.max_in_flight", "0 (the server's default) or a positive number"
        )
        violations.raise_if_any()
        return options

    def item_id(self, item: classification_pb2.ClassifyBulkItem) -> str:
        """What the item's answer will be matched by."""
        violations = Violations()
        holds = 0 < len(item.item_id.encode()) <= _MAX_ITEM_ID_BYTES
        violations.check(holds, "item.item_id", f"1 to {_MAX_ITEM_ID_BYTES} bytes of UTF-8")
        violations.raise_if_any()
        return item.item_id

    def item(self, item: classification_pb2.ClassifyBulkItem) -> None:
        """A document of a bulk stream."""
        violations = Violations()
        if item.WhichOneof("source") == "upload":
            self._content.check_header(item.upload, "item.upload", violations)
        else:
            self._check_source(item, violations)
        violations.raise_if_any()
        self._content.require_size(item.upload)
        self._content.require_small(item.content)

    def _check_source(self, source: Source, violations: Violations) -> None:
        kind = source.WhichOneof("source")
        violations.check(kind is not None, "source", "text or content (in a bulk stream also upload) is required")
        if kind == "text":
            violations.check(bool(source.text.strip()), "text", "must not be empty")
            longest = self._limits.max_text_chars
            violations.check(len(source.text) <= longest, "text", f"at most {longest} code points")
        elif kind == "content":
            self._content.check(source.content, "content", violations)
