"""Texts, mails and old formats that nest, flood and never close."""

import random
import struct
from base64 import b64encode

from hostile.archive_files import LAUGHS, NETWORK, OUTSIDE
from hostile.hostile_file import ODD, HostileFile, Outcome, chain

HEAD = b"From: a@example.org\nTo: b@example.org\nSubject: herons\nMIME-Version: 1.0\n"
PLAIN = b"Content-Type: text/plain\n\na heron\n"
NOISE = random.Random(7).randbytes(100_000)
XML = b'<?xml version="1.0"?>'
EMPTY = ODD | {Outcome.EMPTY}


def multipart(part: bytes, boundary: bytes = b"b") -> bytes:
    return b'Content-Type: multipart/mixed; boundary="%b"\n\n--%b\n%b\n--%b--\n' % (boundary, boundary, part, boundary)


def attached(name: bytes, content: bytes) -> bytes:
    return (
        b'Content-Type: application/octet-stream; name="%b"\nContent-Disposition: attachment; filename="%b"\n'
        b"Content-Transfer-Encoding: base64\n\n%b\n"
    ) % (name, name, b64encode(content))


def nested_mail(depth: int) -> bytes:
    return HEAD + chain(depth, lambda inner: b"Content-Type: message/rfc822\n\nSubject: herons\n" + inner, PLAIN)


def mail_in_mail(depth: int) -> bytes:
    """Each attached to the next, packed."""
    return chain(depth, lambda inner: HEAD + multipart(attached(b"a.eml", inner)), HEAD + PLAIN)


def nested_parts(depth: int) -> bytes:
    core = PLAIN
    for level in range(depth):
        core = multipart(core, b"b%d" % level)
    return HEAD + core


def compound(fat: list[int], directory: bytes, sectors: int = 8, *, start: int = 1, mini: int = -2) -> bytes:
    """An OLE file ([MS-CFB]) of 512-byte sectors: sector 0 is its allocation table, sector `start` its directory."""
    header = bytearray(512)
    header[:8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    struct.pack_into("<HHHHH", header, 24, 0x3E, 3, 0xFFFE, 9, 6)
    struct.pack_into("<IIIIiIiI", header, 44, 1, start, 0, 4096, mini, 1 if mini >= 0 else 0, -2, 0)
    struct.pack_into("<109i", header, 76, 0, *[-1] * 108)
    table = struct.pack("<128i", *(fat + [-1] * (128 - len(fat))))
    return bytes(header) + table + directory.ljust(512, b"\0") + b"\0" * 512 * sectors


def entry(
    name: str, kind: int, left: int = -1, right: int = -1, child: int = -1, first: int = -2, size: int = 0
) -> bytes:
    encoded = name.encode("utf-16-le") + b"\0\0"
    return (
        encoded.ljust(64, b"\0")
        + struct.pack("<HBB", len(encoded), kind, 1)
        + struct.pack("<iii", left, right, child)
        + bytes(36)
        + struct.pack("<iQ", first, size)
    )


def word(*, fat: list[int], size: int = 5000) -> bytes:
    root = entry("Root Entry", 5, child=1)
    return compound(fat, root + entry("WordDocument", 2, first=2, size=size) + entry("1Table", 2, first=2, size=size))


def outlook(*, fat: list[int]) -> bytes:
    root = entry("Root Entry", 5, child=1)
    return compound(
        fat,
        root
        + entry("__properties_version1.0", 2, right=2, first=2, size=2**31)
        + entry("__nameid_version1.0", 1, child=1),
    )


def tree_loop(name: str) -> bytes:
    return compound([-3, -2], entry("Root Entry", 5, child=1) + entry(name, 1, left=1, right=1, child=1))


TEXT_FILES = (
    HostileFile("rtf_deep", lambda: b"{\\rtf1" + b"{" * 1_000_000 + b"x" + b"}" * 1_000_000, ODD),
    HostileFile("rtf_binary_lie", lambda: b"{\\rtf1 before \\bin2000000000 after}", ODD),
    HostileFile("rtf_never_closed", lambda: b"{\\rtf1 " + b"{\\*\\x a" * 200_000, ODD),
    HostileFile("rtf_picture_flood", lambda: b"{\\rtf1 a" + b"{\\pict\\pngblip 89504e47}" * 50_000 + b"}", ODD),
    HostileFile("rtf_unicode_flood", lambda: b"{\\rtf1\\uc99999 " + b"\\u-10179?\\u99999999?" * 100_000 + b"}", ODD),
    HostileFile("rtf_control_words", lambda: b"{\\rtf1 " + b"\\a" + b"b" * 5_000_000 + b"1" * 100_000 + b" x}", ODD),
    HostileFile("html_deep", lambda: b"<html><body>" + b"<div>" * 500_000 + b"x", ODD),
    HostileFile("html_tables", lambda: b"<html><body>" + b"<table><tr><td>" * 60_000 + b"x", ODD),
    HostileFile(
        "html_attributes",
        lambda: b"<html><body><p " + b" ".join(b"a%d=1" % number for number in range(200_000)) + b">x",
        ODD,
    ),
    HostileFile(
        "html_span_lie", lambda: b"<table>" + b"<tr><td colspan=9999999 rowspan=9999999>x</td></tr>" * 999, ODD
    ),
    HostileFile("html_comment", lambda: b"<html><body>" + b"<!--" * 1_000_000 + b"x", ODD),
    HostileFile("html_entities", lambda: b"<html><body>" + b"&amp;&#0;&#x110000;&#99999999999;" * 100_000, ODD),
    HostileFile("xml_laughs", lambda: XML + LAUGHS + b"<x>&l9;</x>", ODD),
    HostileFile(
        "xml_quadratic",
        lambda: XML + b'<!DOCTYPE x [<!ENTITY a "' + b"a" * 200_000 + b'">]><x>' + b"&a;" * 20_000 + b"</x>",
        ODD,
    ),
    HostileFile("xml_outside_entity", lambda: XML + OUTSIDE + b"<x>&l9;</x>", ODD),
    HostileFile("xml_network", lambda: XML + NETWORK + b"<x>a heron</x>", ODD),
    HostileFile("xml_deep", lambda: b"<a>" * 300_000 + b"</a>" * 300_000, ODD),
    HostileFile("xml_attributes", lambda: XML + b"<x%b/>" % b"".join(b' a%d="1"' % n for n in range(300_000)), ODD),
    HostileFile("xml_namespaces", lambda: XML + b"".join(b'<a xmlns:n%d="u%d">' % (n, n) for n in range(50_000)), ODD),
    HostileFile("json_deep", lambda: b"[" * 1_000_000 + b"]" * 1_000_000, ODD),
    HostileFile("json_deep_objects", lambda: b'{"a":' * 300_000 + b"1" + b"}" * 300_000, ODD),
    HostileFile("json_huge_number", lambda: b"[1" + b"0" * 3_000_000 + b"]", ODD),
    HostileFile("json_huge_exponent", lambda: b'{"a": 1e999999999, "b": -1E-999999999}', ODD),
    HostileFile("json_same_keys", lambda: b"{" + b'"a":1,' * 1_000_000 + b'"a":2}', ODD),
    HostileFile("json_lone_surrogates", lambda: b'{"a": "' + b"\\ud800" * 100_000 + b'"}', ODD),
    HostileFile("csv_open_quote", lambda: b'a,b\n"' + b"x," * 10_000_000, ODD),
    HostileFile("csv_wide", lambda: b"a,b\n" + b"1," * 3_000_000 + b"\n", ODD),
    HostileFile("csv_nulls", lambda: b"a,b,c\n" + b"1,2,3\n" * 10 + bytes(5_000_000), ODD),
    HostileFile("csv_quotes", lambda: b"a,b\n" + b'"' * 3_000_001, ODD),
    HostileFile("text_one_line", lambda: b"a heron " * 1_250_000, ODD),
    HostileFile("text_form_feeds", lambda: b"a\f" * 3_000_000, ODD),
    HostileFile("text_wrong_bytes", lambda: b"a heron stands still\n" * 4000 + b"\xff\xfe\x80\xc0" * 5000, ODD),
    HostileFile("text_wide_mark", lambda: b"\xff\xfe" + b"\0\xd8" * 100_000, ODD),
    HostileFile("text_marks_on_marks", lambda: b"e" + "\u0301".encode() * 1_000_000, ODD),
    HostileFile("text_direction_flood", lambda: ("heron " + "\u202e\u2067" * 9).encode() * 20_000, ODD),
    HostileFile("text_spaces", lambda: b" " * 5_000_000, ODD),
    HostileFile(
        "markdown_nesting", lambda: b"# t\n" + b">" * 50_000 + b" a\n" + b"[" * 50_000 + b"\n" + b"*a " * 50_000, ODD
    ),
    HostileFile("mail_nested_messages", lambda: nested_mail(1500), ODD),
    HostileFile("mail_nested_parts", lambda: nested_parts(800), ODD),
    HostileFile("mail_in_mail", lambda: mail_in_mail(20), ODD),
    HostileFile("mail_10k_parts", lambda: HEAD + multipart(b"\n--b\n".join([PLAIN] * 10_000)), ODD),
    HostileFile("mail_boundary_never_ends", lambda: HEAD + multipart(PLAIN)[:-8] + b"--c\n" * 100_000, ODD),
    HostileFile("mail_no_boundary", lambda: HEAD + b"Content-Type: multipart/mixed\n\n" + b"--\n" * 100_000, ODD),
    HostileFile(
        "mail_long_headers",
        lambda: (
            b"From: a@b.c\nTo: "
            + b", ".join(b"u%d@x.y" % n for n in range(100_000))
            + b"\nSubject: "
            + b"=?utf-8?q?a?= " * 50_000
            + b"\n\nhi"
        ),
        ODD,
    ),
    HostileFile("mail_many_headers", lambda: HEAD + b"X-A: b\n" * 200_000 + b"\na heron", ODD),
    HostileFile(
        "mail_wrong_charset", lambda: HEAD + b"Content-Type: text/plain; charset=no-such\n\n" + NOISE[:999], ODD
    ),
    HostileFile("mail_broken_base64", lambda: HEAD + multipart(attached(b"a.pdf", NOISE)[:-5000] + b"=!="), ODD),
    HostileFile(
        "mail_quoted_bomb", lambda: HEAD + b"Content-Transfer-Encoding: quoted-printable\n\n" + b"=\n" * 2_000_000, ODD
    ),
    HostileFile("doc_table_loop", lambda: word(fat=[-3, -2, 2], size=2**31 - 1), ODD),
    HostileFile(
        "doc_directory_loop", lambda: compound([-3, 1], entry("Root Entry", 5, child=1) + entry("WordDocument", 2)), ODD
    ),
    HostileFile("doc_tree_loop", lambda: tree_loop("WordDocument"), ODD),
    HostileFile("doc_past_the_end", lambda: word(fat=[-3, -2, 3, 4, 120, 121]), ODD),
    HostileFile("doc_garbage", lambda: word(fat=[-3, -2, 3, 4, 5, 6, 7, 8, 9, -2])[:1536] + NOISE, ODD),
    HostileFile(
        "xls_garbage",
        lambda: (
            compound([-3, -2, 3, -2], entry("Root Entry", 5, child=1) + entry("Workbook", 2, first=2, size=5000))[:1536]
            + NOISE
        ),
        ODD,
    ),
    HostileFile("msg_sector_loop", lambda: outlook(fat=[-3, -2, 2]), ODD),
    HostileFile("msg_tree_loop", lambda: tree_loop("__substg1.0_0037001F"), ODD),
    HostileFile("ole_header_alone", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", ODD),
    HostileFile(
        "ole_sector_size_lie", lambda: tree_loop("WordDocument").replace(b"\x09\0\x06\0", b"\xff\0\xff\0", 1), ODD
    ),
    HostileFile("nothing", lambda: b"", frozenset({Outcome.EMPTY})),
    HostileFile("one_null", lambda: b"\0", EMPTY),
    HostileFile("noise", lambda: NOISE, ODD),
)
