"""Detection tells what bytes are by their content."""

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from heron_grpc.domain.document import Reading
from heron_grpc.domain.errors import EmptyDocument, EncryptedDocument, UnsupportedMediaType
from heron_grpc.reading.detect import detect
from heron_grpc.reading.registry import media_types


def archive(*names: str, mimetype: str = "") -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        if mimetype:
            file.writestr("mimetype", mimetype)
        for name in names:
            file.writestr(name, "<x/>")
    return packed.getvalue()


def office(part: str) -> bytes:
    return archive("[Content_Types].xml", part)


def compound(*streams: str) -> bytes:
    """A compound file (MS-CFB) whose directory holds these streams and no data."""
    table, directory = struct.pack("<128I", 0xFFFFFFFD, 0xFFFFFFFE, *[0xFFFFFFFF] * 126), b""
    for name in ("Root Entry", *streams):
        encoded = (name + "\0").encode("utf-16-le")
        directory += encoded.ljust(64, b"\0") + struct.pack("<H", len(encoded)) + bytes(62)
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 62, 3, 0xFFFE, 9, 6)
    header = header.ljust(44, b"\0") + struct.pack("<II", 1, 1)
    header = header.ljust(76, b"\0") + struct.pack("<109I", 0, *[0xFFFFFFFF] * 108)
    return header + table + directory.ljust(512, b"\0")


def picture(kind: str) -> bytes:
    packed = io.BytesIO()
    Image.new("RGB", (8, 8), "white").save(packed, kind)
    return packed.getvalue()


MAIL = b"Return-Path: <a@b.c>\r\nFrom: a@b.c\r\nTo: d@e.f\r\nSubject: x\r\nMIME-Version: 1.0\r\n\r\nhello\r\n"
OFFICE = "application/vnd.openxmlformats-officedocument."
KNOWN = {
    "pdf": (b"%PDF-1.4\n1 0 obj", "application/pdf"),
    "pdf after junk": (b"\0\0junk\n%PDF-1.4\n", "application/pdf"),
    "jpeg": (picture("JPEG"), "image/jpeg"),
    "png": (picture("PNG"), "image/png"),
    "gif": (picture("GIF"), "image/gif"),
    "bmp": (picture("BMP"), "image/bmp"),
    "tiff": (picture("TIFF"), "image/tiff"),
    "webp": (picture("WEBP"), "image/webp"),
    "heic": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "image/heic"),
    "avif": (b"\0\0\0\x18ftypavif\0\0\0\0mif1avif", "image/avif"),
    "docx": (office("word/document.xml"), OFFICE + "wordprocessingml.document"),
    "xlsx": (office("xl/workbook.xml"), OFFICE + "spreadsheetml.sheet"),
    "pptx": (office("ppt/presentation.xml"), OFFICE + "presentationml.presentation"),
    "ods": (
        archive(mimetype="application/vnd.oasis.opendocument.spreadsheet"),
        "application/vnd.oasis.opendocument.spreadsheet",
    ),
    "odt template": (
        archive(mimetype="application/vnd.oasis.opendocument.text-template"),
        "application/vnd.oasis.opendocument.text",
    ),
    "xlsb": (office("xl/workbook.bin"), "application/vnd.ms-excel.sheet.binary.macroenabled.12"),
    "odt": (archive(mimetype="application/vnd.oasis.opendocument.text"), "application/vnd.oasis.opendocument.text"),
    "epub": (archive(mimetype="application/epub+zip"), "application/epub+zip"),
    "zip": (archive("a.txt"), "application/zip"),
    "truncated zip": (archive("a.txt")[:20], "application/zip"),
    "doc": (compound("WordDocument"), "application/msword"),
    "xls": (compound("Workbook"), "application/vnd.ms-excel"),
    "ppt": (compound("PowerPoint Document"), "application/vnd.ms-powerpoint"),
    "msg": (compound("__nameid_version1.0"), "application/vnd.ms-outlook"),
    "other compound file": (compound("Something"), "application/x-ole-storage"),
    "rtf": (rb"{\rtf1\ansi hello}", "application/rtf"),
    "eml": (MAIL, "message/rfc822"),
    "part of a mail": (b"Content-Type: text/plain\r\n\r\nhello", "message/rfc822"),
    "mail without a trace of software": (b"\nFrom: A <a@b.c>\nTo: d\nSubject: x\n\nhello", "message/rfc822"),
    "mailbox": (b"From a@b.c Mon Mar  4 10:00:00 2024\n" + MAIL, "application/mbox"),
    "memo": (b"From: Ada Alder\nTo: Bo Birch\nSubject: rods\n\nhello", "text/plain"),
    "letter that begins with from": (b"From here on,\nall is well.\n\nYours", "text/plain"),
    "signed": (bytes.fromhex("3080 0609 2a864886f70d010702 a080"), "application/pkcs7-mime"),
    "tnef": (b"\x78\x9f\x3e\x22\1\0", "application/vnd.ms-tnef"),
    "tar": (b"a.txt".ljust(257, b"\0") + b"ustar\0".ljust(300, b"\0"), "application/x-tar"),
    "piece of html": (b"<div class=a>Total <b>due</b></div><br>", "text/html"),
    "html": (b"<!DOCTYPE html>\n<html><body>hello</body></html>", "text/html"),
    "xml": (b'<?xml version="1.0"?><Invoice><ID>1</ID></Invoice>', "application/xml"),
    "xml in utf-16": ('<?xml version="1.0"?><a/>'.encode("utf-16"), "application/xml"),
    "json": (b'{"invoice": [1, 2]}', "application/json"),
    "lines of json": (b'{"a": 1}\n{"a": 2}\n', "application/json"),
    "json that breaks off": (b'{"a": [1, 2],\n"b": [3]', "text/plain"),
    "gzip": (b"\x1f\x8b\x08\0\0\0\0\0\0\0", "application/gzip"),
    "7z": (b"7z\xbc\xaf\x27\x1c\0\0", "application/x-7z-compressed"),
    "program": (b"\x7fELF\x02\x01\x01\0", "application/x-executable"),
    "plain text": (b"Dear Sir, thank you for your letter.\nYours", "text/plain"),
    "csv": (b"date,amount,text\n2024-01-01,5.00,a\n2024-01-02,6.00,b\n", "text/csv"),
    "semicolons": (b"Datum;Betrag\n1.1.2024;5,00\n2.1.2024;6,10\n", "text/csv"),
    "prose with commas": (b"Dear Anna, dear Bob,\nthe rods, lines, and hooks have come.\nBest, C\n", "text/plain"),
    "binary": (bytes(range(256)) * 8, "application/octet-stream"),
}


@pytest.mark.parametrize("kind", KNOWN)
@pytest.mark.parametrize("filename", ["", "invoice.pdf", "doc1.bin"])
def test_content_decides_under_any_name(tmp_path: Path, kind: str, filename: str) -> None:
    content, media_type = KNOWN[kind]
    path = tmp_path / "document"
    path.write_bytes(content)
    assert detect(str(path), filename) == media_type


@pytest.mark.parametrize(
    ("filename", "media_type"),
    [("list.csv", "text/csv"), ("list.TSV", "text/csv"), ("list.txt", "text/plain"), ("list.md", "text/markdown")],
)
def test_name_splits_kinds_of_plain_text(tmp_path: Path, filename: str, media_type: str) -> None:
    path = tmp_path / "document"
    path.write_bytes(b"a,b\n1,2\n3,4\n")
    assert detect(str(path), filename) == media_type


@pytest.mark.parametrize("kind", [kind for kind, (_, media_type) in KNOWN.items() if media_type not in media_types()])
def test_what_is_not_read_is_refused_by_its_name(read: Callable[..., Reading], kind: str) -> None:
    content, media_type = KNOWN[kind]
    with pytest.raises(UnsupportedMediaType, match=media_type.replace("+", r"\+")) as refused:
        read(content)
    assert refused.value.metadata == {"media_type": media_type}


@pytest.mark.parametrize(
    ("streams", "media_type"),
    [
        ({"WordDocument": b"", "ObjectPool/Workbook": b""}, "application/msword"),
        ({"Workbook": b"", "MBD1/WordDocument": b""}, "application/vnd.ms-excel"),
        (
            {"__attach_version1.0_#00000000/WordDocument": b"", "__nameid_version1.0/a": b""},
            "application/vnd.ms-outlook",
        ),
    ],
)
def test_documents_inside_a_compound_file_do_not_decide(tmp_path: Path, streams: dict, media_type: str) -> None:
    from office_files import compound as whole

    path = tmp_path / "document"
    path.write_bytes(whole(streams))
    assert detect(str(path)) == media_type


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"\n-----BEGIN PGP MESSAGE-----\n\nhIwDY32h", "application/pgp-encrypted"),
        (b"\x76\xe8\x04\x60\xc4\x11\xe3\x86rest", "application/x-microsoft-rpmsg-message"),
    ],
)
def test_what_is_encrypted_as_a_whole_is_refused_as_such(
    read: Callable[..., Reading], content: bytes, media_type: str
) -> None:
    with pytest.raises(EncryptedDocument) as refused:
        read(content)
    assert refused.value.metadata == {"media_type": media_type}


def test_no_bytes_are_an_empty_document(read: Callable[..., Reading]) -> None:
    with pytest.raises(EmptyDocument):
        read(b"")


def test_encrypted_office_document_is_refused_as_such(read: Callable[..., Reading]) -> None:
    with pytest.raises(EncryptedDocument):
        read(compound("EncryptionInfo", "EncryptedPackage"))


def test_registry_names_what_can_be_read() -> None:
    assert {"application/pdf", "text/plain", "text/csv", "image/png", "image/jpeg"} < set(media_types())
