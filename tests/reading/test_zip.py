"""Archives of documents, and archives made to hurt."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence

import pytest

from heron_grpc.domain.document import Reading
from heron_grpc.domain.errors import CorruptDocument, EncryptedDocument, ReadingLimitExceeded

Read = Callable[..., Reading]


def packet(entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return packed.getvalue()


def record(name: bytes, content: bytes, offset: int, flags: int = 0, extra: bytes = b"") -> tuple[bytes, bytes]:
    """An entry as it stands in the archive, and in its directory."""
    facts = struct.pack(
        "<HHHHHIIIHH", 20, flags, 0, 0, 0, zlib.crc32(content), len(content), len(content), len(name), len(extra)
    )
    directory = b"PK\x01\x02\x14\0" + facts + struct.pack("<HHHII", 0, 0, 0, 0, offset) + name + extra
    return b"PK\x03\x04" + facts + name + extra + content, directory


def archive(entries: Sequence[tuple[bytes, bytes]], flags: int = 0, extra: bytes = b"") -> bytes:
    body = directory = b""
    for name, content in entries:
        local, central = record(name, content, len(body), flags, extra)
        body, directory = body + local, directory + central
    return body + directory + end(len(entries), len(directory), len(body))


def end(count: int, size: int, offset: int) -> bytes:
    return b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, count, count, size, offset, 0)


def names(reading: Reading) -> list[str]:
    return [part.name for part in reading.parts]


def codes(reading: Reading) -> list[str]:
    return [warning.code for warning in reading.warnings]


def test_entries_are_parts_in_the_order_of_their_names(read: Read, text_pdf) -> None:
    entries = {
        "scans/page 10.txt": b"ten",
        "scans/": b"",
        "scans/page 2.txt": b"two",
        "a.pdf": text_pdf.read_bytes(),
        "__MACOSX/scans/._page 2.txt": b"\0\5\26\7",
        "scans/.DS_Store": b"\0\0\0\1Bud1",
        "Thumbs.db": b"\xd0\xcf",
    }
    reading = read(packet(entries))
    assert reading.media_type == "application/zip"
    assert names(reading) == ["a.pdf", "scans/page 2.txt", "scans/page 10.txt"]
    assert [(page.number, page.part) for page in reading.pages] == [(1, 1), (2, 1), (3, 2), (4, 3)]
    assert codes(reading) == []


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_every_usual_packing_is_read(read: Read, method: int) -> None:
    assert "A note on herons" in read(packet({"note.txt": b"A note on herons"}, method)).text


def test_archives_inside_are_read_down_to_the_limit(read: Read) -> None:
    content = packet({"note.txt": b"A note on herons"})
    for depth in range(3):
        content = packet({f"{depth}.zip": content})
    reading = read(content)
    assert names(reading) == ["2.zip", "1.zip", "0.zip", "note.txt"]
    assert "A note on herons" in reading.text
    assert codes(read(content, max_part_depth=3)) == ["PARTS_LEFT_OUT"]


@pytest.mark.parametrize(
    ("name", "flags", "extra"),
    [
        ("Größe.txt".encode(), 0x800, b""),
        ("Größe.txt".encode(), 0, b""),
        ("Größe.txt".encode("cp437"), 0, b""),
        (
            b"Gr__e.txt",
            0,
            b"\x99\x99\x01\0x"
            + struct.pack("<HHBI", 0x7075, 5 + 11, 1, zlib.crc32(b"Gr__e.txt"))
            + "Größe.txt".encode(),
        ),
        (b"Gr\xffe.txt", 0, b"up\x05\0\1\0\0\0\0"),
    ],
)
def test_names_are_read_in_the_code_they_are_written_in(read: Read, name: bytes, flags: int, extra: bytes) -> None:
    found = names(read(archive([(name, b"A note")], flags, extra)))
    assert found == (["Gr\xa0e.txt"] if b"\xff" in name else ["Größe.txt"])


def test_an_entry_that_cannot_be_read_leaves_the_others(read: Read) -> None:
    content = bytearray(packet({"a.txt": b"broken words", "b.txt": b"whole words"}, zipfile.ZIP_STORED))
    content[content.index(b"broken words")] ^= 1
    reading = read(bytes(content))
    assert "whole words" in reading.text
    assert [(warning.code, "part 1" in warning.message) for warning in reading.warnings] == [("PART_UNREADABLE", True)]


def encrypted(content: bytes) -> bytes:
    """With every entry's flag of encryption set, so that its bytes need a password."""
    changed = bytearray(content)
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = changed.find(mark)
        while start >= 0:
            changed[start + at] |= 1
            start = changed.find(mark, start + 4)
    return bytes(changed)


def test_an_encrypted_archive_is_refused_as_such(read: Read) -> None:
    content = encrypted(packet({"a.txt": b"secret", "b.txt": b"secret"}))
    with pytest.raises(EncryptedDocument):
        read(content)
    assert codes(read(content, password="wrong")) == ["PART_ENCRYPTED", "PART_ENCRYPTED"]


def test_an_encrypted_entry_is_said(read: Read) -> None:
    secret = encrypted(packet({"a.txt": b"secret"}, zipfile.ZIP_STORED))
    local, (name, note) = secret[: secret.index(b"PK\x01\x02")], (b"b.txt", b"A note on herons")
    open_local, open_central = record(name, note, len(local))
    directory = secret[len(local) : secret.index(b"PK\x05\x06")] + open_central
    reading = read(local + open_local + directory + end(2, len(directory), len(local) + len(open_local)))
    assert codes(reading) == ["PART_ENCRYPTED"]
    assert "A note on herons" in reading.text


def test_an_entry_that_expands_beyond_reason_is_refused(read: Read) -> None:
    reading = read(packet({"a.txt": bytes(8 << 20), "b.txt": b"A note on herons"}))
    assert codes(reading) == ["PART_UNREADABLE"]
    assert "A note on herons" in reading.text


def test_entries_beyond_the_sum_are_left_out(read: Read) -> None:
    entries = {f"{at}.txt": b"%d " % at * 300_000 for at in range(4)}
    assert set(codes(read(packet(entries, zipfile.ZIP_STORED), max_expanded_mb=1))) == {"PART_UNREADABLE"}


def test_entries_that_share_their_bytes_are_refused(read: Read) -> None:
    content = b"A note on herons" * 100
    local, _ = record(b"kernel", content, 0)
    # Each claims all that follows its header, the headers of the others included.
    locals_, directories = [local], []
    for at in range(5):
        quoted = b"".join(reversed(locals_))
        locals_.append(record(b"%d.txt" % at, quoted, 0)[0][: -len(quoted)])
    body = b"".join(reversed(locals_))
    offset = 0
    for at in reversed(range(5)):
        quoted = body[offset + len(locals_[at + 1]) :]
        directories.append(record(b"%d.txt" % at, quoted, offset)[1])
        offset += len(locals_[at + 1])
    directory = b"".join(directories)
    with pytest.raises(ReadingLimitExceeded, match="overlap"):
        read(body + directory + end(5, len(directory), len(body)))


def test_an_archive_of_nothing_says_so(read: Read) -> None:
    assert codes(read(packet({}))) == ["NO_TEXT_FOUND"]
    assert codes(read(packet({"a.bin": bytes(range(256)) * 8}))) == ["PART_UNREADABLE"]


@pytest.mark.parametrize("share", [0.2, 0.9])
def test_a_truncated_archive_is_corrupt(read: Read, share: float) -> None:
    content = packet({"note.txt": bytes(range(256)) * 40}, zipfile.ZIP_STORED)
    with pytest.raises(CorruptDocument):
        read(content[: int(len(content) * share)])
