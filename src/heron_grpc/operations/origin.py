"""What the sender says of a file, and whether the bytes bear it out."""

from dataclasses import dataclass, field

from heron_grpc.domain.document import DocumentWarning

# What senders write who do not know, and other names of types in use.
_UNDECLARED = frozenset({"", "application/octet-stream", "binary/octet-stream"})
_SAME_TYPE = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "application/x-pdf": "application/pdf"}


@dataclass(frozen=True, slots=True)
class Origin:
    """Nothing of it is trusted."""

    filename: str = ""
    media_type: str = ""
    # Opens an encrypted document.
    password: str = field(default="", repr=False)


def doubts(origin: Origin, found: str) -> tuple[DocumentWarning, ...]:
    """A warning when the declared media type says something else than what was found."""
    if not _differs(origin.media_type, found):
        return ()
    return (DocumentWarning("MIME_TYPE_DIFFERS", f"the bytes are {found}, not as declared", "read"),)


def _differs(declared: str, found: str) -> bool:
    """Kinds of text are told apart by taste."""
    declared = declared.split(";", maxsplit=1)[0].strip().lower()
    declared = _SAME_TYPE.get(declared, declared)
    both_text = declared.startswith("text/") and found.startswith("text/")
    return declared not in _UNDECLARED and declared != found and not both_text
