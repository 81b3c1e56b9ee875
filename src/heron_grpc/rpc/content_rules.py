"""What must hold of a file in a request: its name, its declared type, its size, its password."""

import unicodedata

from heron.v1 import classification_pb2
from heron_grpc.operations.receive_upload import too_large
from heron_grpc.rpc.violations import Violations
from heron_grpc.settings import FrontSettings

Named = classification_pb2.InlineContent | classification_pb2.UploadHeader

_LONGEST_MIME_TYPE = 255
# PDF takes 127 (ISO 32000-2), other formats 255 characters at most.
_LONGEST_PASSWORD_BYTES = 255


class ContentRules:
    """Broken rules are noted; only `require_...` raise, DocumentTooLarge."""

    def __init__(self, limits: FrontSettings) -> None:
        self._limits = limits

    def check(self, content: Named, field: str, violations: Violations) -> None:
        """A file name is data: any characters but control characters, bounded in length; a type is never trusted."""
        longest = self._limits.max_filename_bytes
        check = violations.check
        check(len(content.filename.encode()) <= longest, f"{field}.filename", f"at most {longest} bytes of UTF-8")
        check(not any(map(_is_control, content.filename)), f"{field}.filename", "no control characters")
        check(
            len(content.mime_type) <= _LONGEST_MIME_TYPE,
            f"{field}.mime_type",
            f"at most {_LONGEST_MIME_TYPE} characters",
        )
        check(
            len(content.password.encode()) <= _LONGEST_PASSWORD_BYTES and "\0" not in content.password,
            f"{field}.password",
            f"at most {_LONGEST_PASSWORD_BYTES} bytes of UTF-8",
        )

    def check_header(self, header: classification_pb2.UploadHeader, field: str, violations: Violations) -> None:
        """As `check`, and the size announced."""
        self.check(header, field, violations)
        violations.check(header.size_bytes >= 0, f"{field}.size_bytes", "0 (unknown) or the size")

    def require_small(self, content: classification_pb2.InlineContent) -> None:
        """Raises DocumentTooLarge for more than fits a message."""
        if len(content.data) > self._limits.max_inline_bytes:
            raise too_large(self._limits.max_inline_bytes)

    def require_size(self, header: classification_pb2.UploadHeader) -> None:
        """Raises DocumentTooLarge for more than a document may have."""
        if header.size_bytes > self._limits.max_document_bytes:
            raise too_large(self._limits.max_document_bytes)


def _is_control(character: str) -> bool:
    return unicodedata.category(character) == "Cc"
