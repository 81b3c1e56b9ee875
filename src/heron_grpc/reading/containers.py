"""What a ZIP archive or an OLE compound file holds, seen from its directory alone."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

from heron_grpc.domain.errors import CorruptDocument, EncryptedDocument
from heron_grpc.reading import media_types as types

ZIP_SIGNATURES = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
OLE_SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

# The part that makes an archive a document of that type (ECMA-376, ODF 1.3, EPUB 3.3).
_ZIP_PARTS = (
    ("word/document.xml", types.DOCX),
    ("xl/workbook.xml", types.XLSX),
    ("xl/workbook.bin", types.XLSB),
    ("ppt/presentation.xml", types.PPTX),
)
_OFFICE_FOLDERS = (("word/", types.DOCX), ("xl/", types.XLSX), ("ppt/", types.PPTX))
_LONGEST_MIMETYPE = 256
_MOST_ENTRIES = 100_000

# Streams of the compound file (MS-CFB) that name its application.
_OLE_STREAMS = {
    "WordDocument": types.DOC,
    "Workbook": types.XLS,
    "Book": types.XLS,
    "PowerPoint Document": types.PPT,
    "__properties_version1.0": types.MSG,
    "__nameid_version1.0": types.MSG,
}
_OLE_ENCRYPTED = frozenset({"EncryptedPackage", "EncryptionInfo"})
_DIRECTORY_ENTRY = 128
_MOST_DIRECTORY_SECTORS = 256
_LAST_SECTOR = 0xFFFFFFFA


def by_zip_directory(path: str) -> str:
    """The media type of an archive; a broken one is a ZIP all the same."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()[:_MOST_ENTRIES]
            return _by_mimetype_entry(archive, names) or _by_parts(frozenset(names)) or types.ZIP
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, RuntimeError):
        return _by_local_names(path) or types.ZIP


def by_ole_directory(path: str) -> str:
    """The media type of a compound file. Raises CorruptDocument for one cut short before its directory.

    Raises EncryptedDocument for a password-protected Office document.
    """
    entries = _ole_entries(Path(path))
    if not entries:
        raise CorruptDocument("the compound file breaks off: its directory is missing")
    # What lies deeper belongs to documents inside this one; only a damaged tree is looked through as a whole.
    for name in (*_ole_root(entries), *map(_ole_name, entries)):
        if name in _OLE_ENCRYPTED:
            raise EncryptedDocument("the document is protected by a password")
        if name in _OLE_STREAMS:
            return _OLE_STREAMS[name]
    return types.OLE


def _by_mimetype_entry(archive: zipfile.ZipFile, names: list[str]) -> str:
    """OpenDocument and EPUB put their media type into an entry of that name."""
    if "mimetype" not in names or archive.getinfo("mimetype").file_size > _LONGEST_MIMETYPE:
        return ""
    value = archive.read("mimetype").decode("ascii", "replace").strip().removesuffix("-template")
    return value if value.startswith(("application/vnd.oasis.opendocument.", types.EPUB)) else ""


def _by_parts(names: frozenset[str]) -> str:
    for part, media_type in _ZIP_PARTS:
        if part in names:
            return media_type
    if "[Content_Types].xml" in names:
        for folder, media_type in _OFFICE_FOLDERS:
            if any(name.startswith(folder) for name in names):
                return media_type
    return ""


def _by_local_names(path: str) -> str:
    """A truncated archive has lost its directory; the entries' own headers still name the parts."""
    with Path(path).open("rb") as file:
        head = file.read(64 * 1024)
    for folder, media_type in _OFFICE_FOLDERS:
        if b"[Content_Types].xml" in head and folder.encode() in head:
            return media_type
    return ""


def _ole_entries(path: Path) -> list[bytes]:
    """The directory, in file order, as far as the sector chain can be followed."""
    with path.open("rb") as file:
        header = file.read(512)
        sector_size = 1 << min(int.from_bytes(header[30:32], "little"), 12)
        table_sectors = [_number(header, at) for at in range(76, len(header) - 3, 4)]
        sector = _number(header, 48)
        directory = b""
        for _ in range(_MOST_DIRECTORY_SECTORS):
            if sector >= _LAST_SECTOR:
                break
            file.seek((sector + 1) * sector_size)
            directory += file.read(sector_size)
            at, index = divmod(sector, sector_size // 4)
            if at >= len(table_sectors) or table_sectors[at] >= _LAST_SECTOR:
                break
            file.seek((table_sectors[at] + 1) * sector_size + 4 * index)
            sector = _number(file.read(4).ljust(4, b"\xff"), 0)
    ends = range(_DIRECTORY_ENTRY, len(directory) + 1, _DIRECTORY_ENTRY)
    return [directory[end - _DIRECTORY_ENTRY : end] for end in ends]


def _ole_root(entries: list[bytes]) -> Iterator[str]:
    """Names of what lies directly in the root: its child and that one's siblings, a binary tree."""
    seen: set[int] = set()
    waiting = [_number(entries[0], 76)] if entries else []
    while waiting:
        index = waiting.pop()
        if index < len(entries) and index not in seen:
            seen.add(index)
            yield _ole_name(entries[index])
            waiting += (_number(entries[index], 68), _number(entries[index], 72))


def _ole_name(entry: bytes) -> str:
    size = int.from_bytes(entry[64:66], "little")
    return entry[: size - 2].decode("utf-16-le", "replace") if 2 < size <= 64 else ""


def _number(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")
