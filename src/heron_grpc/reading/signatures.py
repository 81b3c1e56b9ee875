"""What the first bytes say."""

import re

from heron_grpc.reading import media_types as types

# Longest signatures first where one is the start of another; those of media containers are from their specifications.
_AT_START: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", types.PNG),
    (b"\xff\xd8\xff", types.JPEG),
    (b"GIF87a", types.GIF),
    (b"GIF89a", types.GIF),
    (b"II*\x00", types.TIFF),
    (b"MM\x00*", types.TIFF),
    (b"II+\x00", types.TIFF),
    (b"MM\x00+", types.TIFF),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "image/jp2"),
    (b"{\\rtf", types.RTF),
    (b"%!PS", "application/postscript"),
    (b"\x1f\x8b\x08", types.GZIP),
    (b"BZh", "application/x-bzip2"),
    (b"\xfd7zXZ\x00", "application/x-xz"),
    (b"\x28\xb5\x2f\xfd", "application/zstd"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"\x78\x9f\x3e\x22", types.TNEF),
    (b"\x76\xe8\x04\x60\xc4\x11\xe3\x86", types.RIGHTS_PROTECTED),
    (b"SQLite format 3\x00", "application/vnd.sqlite3"),
    (b"\x7fELF", "application/x-executable"),
    (b"MZ", "application/vnd.microsoft.portable-executable"),
    (b"ID3", "audio/mpeg"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
)
_RIFF = {b"WEBP": types.WEBP, b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
_HEIF = frozenset({b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"})
_PATTERNS = (
    # POSIX.1-2001: the magic of the first file's header.
    (re.compile(rb".{257}ustar", re.DOTALL), types.TAR),
    # RFC 5652: a sequence that begins with the identifier of signed data, enveloped data and their like.
    (
        re.compile(
            rb"\x30([\x00-\x80]|\x81.|\x82..|\x83...|\x84....)\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07", re.DOTALL
        ),
        types.PKCS7,
    ),
    (re.compile(rb"\s*-----BEGIN PGP MESSAGE-----"), types.PGP),
    # ISO 32000-1: the header may stand anywhere in the first 1024 bytes.
    (re.compile(rb".{0,1017}?%PDF-\d", re.DOTALL), types.PDF),
)
# Sizes of the BITMAPINFOHEADER family.
_BMP_HEADERS = frozenset({12, 40, 52, 56, 64, 108, 124})


def by_signature(head: bytes) -> str:
    """The media type the first kilobytes name, or "" when they name none."""
    for signature, media_type in _AT_START:
        if head.startswith(signature):
            return _unless_text(head, media_type)
    if head.startswith(b"RIFF") and len(head) >= 12:
        return _RIFF.get(head[8:12], "")
    if head[4:8] == b"ftyp":
        return _iso_media(head[8:12])
    if head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return types.BMP
    return next((media_type for pattern, media_type in _PATTERNS if pattern.match(head)), "")


def _unless_text(head: bytes, media_type: str) -> str:
    """Two or three letters may as well begin a text: those signatures need bytes no text has."""
    if media_type in {"application/x-bzip2", "application/vnd.microsoft.portable-executable", "audio/mpeg"}:
        return media_type if b"\x00" in head[:512] or any(byte > 0x7F for byte in head[3:64]) else ""
    return media_type


def _iso_media(brand: bytes) -> str:
    """ISO/IEC 14496-12 file types: HEIF pictures, AVIF, else video."""
    if brand in _HEIF:
        return types.HEIC
    return "image/avif" if brand in {b"avif", b"avis"} else "video/mp4"
