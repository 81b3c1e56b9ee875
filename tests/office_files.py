"""Office files as small as they can be, made from what matters in a test."""

import io
import struct
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from PIL import Image

OPEN = "http://schemas.openxmlformats.org"
NAMESPACES = " ".join(
    f'xmlns:{prefix}="{name}"'
    for prefix, name in {
        "w": f"{OPEN}/wordprocessingml/2006/main",
        "r": f"{OPEN}/officeDocument/2006/relationships",
        "a": f"{OPEN}/drawingml/2006/main",
        "c": f"{OPEN}/drawingml/2006/chart",
        "dgm": f"{OPEN}/drawingml/2006/diagram",
        "p": f"{OPEN}/presentationml/2006/main",
        "mc": f"{OPEN}/markup-compatibility/2006",
        "o": "urn:schemas-microsoft-com:office:office",
        "v": "urn:schemas-microsoft-com:vml",
    }.items()
)
ODF_NAMESPACES = " ".join(
    f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for prefix, name in {
        **{name: name for name in ("office", "text", "style", "table", "manifest", "meta", "presentation")},
        "draw": "drawing",
        "fo": "xsl-fo-compatible",
        "svg": "svg-compatible",
    }.items()
)
ODF_NAMESPACES += ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xlink="http://www.w3.org/1999/xlink"'
Parts = Mapping[str, str | bytes]
Relations = Mapping[str, tuple[str, str]]

_CHART = """
<c:chart>
<c:title><c:tx><c:rich><a:p><a:r><a:t>Catch</a:t></a:r></a:p></c:rich></c:tx></c:title>
<c:ser>
<c:tx><c:strRef><c:strCache><c:pt idx='0'><c:v>Trout</c:v></c:pt></c:strCache></c:strRef></c:tx>
<c:cat><c:strRef><c:strCache>
<c:pt idx='0'><c:v>May</c:v></c:pt><c:pt idx='1'><c:v>June</c:v></c:pt>
</c:strCache></c:strRef></c:cat>
<c:val><c:numRef><c:numCache><c:pt idx='1'><c:v>4.2999999999999998</c:v></c:pt></c:numCache></c:numRef></c:val>
</c:ser>
</c:chart>
"""
_DIAGRAM = "<dgm:pt><a:p><a:r><a:t>Cast, wait</a:t></a:r></a:p></dgm:pt>"
_CHART_AND_DIAGRAM = {
    "chart.xml": f"<c:chartSpace {NAMESPACES}>{_CHART}</c:chartSpace>",
    "data.xml": f"<dgm:dataModel {NAMESPACES}>{_DIAGRAM}</dgm:dataModel>",
}


def packed(parts: Parts) -> bytes:
    """An archive of these entries."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def relations(related: Relations) -> str:
    """The XML of relations, each an id with its kind and target."""
    each = (
        f'<Relationship Id="{key}" Type="{OPEN}/officeDocument/2006/relationships/{kind}" Target="{target}"/>'
        for key, (kind, target) in related.items()
    )
    return f'<Relationships xmlns="{OPEN}/package/2006/relationships">{"".join(each)}</Relationships>'


def word(body: str, parts: Parts = {}, related: Relations = {}) -> bytes:  # noqa: B006  nobody changes them
    """A docx of this body; parts stand beside the document in its folder."""
    return packed(
        {
            "[Content_Types].xml": f'<Types xmlns="{OPEN}/package/2006/content-types"/>',
            "_rels/.rels": relations({"rId1": ("officeDocument", "word/document.xml")}),
            "word/document.xml": f"<w:document {NAMESPACES}><w:body>{body}</w:body></w:document>",
            "word/_rels/document.xml.rels": relations(related),
            **{f"word/{name}": content for name, content in {**_CHART_AND_DIAGRAM, **parts}.items()},
        }
    )


def part(name: str, content: str) -> str:
    """The XML of a part with this root element."""
    return f"<w:{name} {NAMESPACES}>{content}</w:{name}>"


def paragraph(text: str, properties: str = "") -> str:
    """A paragraph of a docx."""
    return f"<w:p><w:pPr>{properties}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"


def slides(trees: Sequence[str], parts: Parts = {}, related: Relations = {}) -> bytes:  # noqa: B006
    """A pptx of these shape trees, each with the same relations; parts stand beside the presentation."""
    names = {f"rId{number}": ("slide", f"slides/slide{number}.xml") for number in range(1, len(trees) + 1)}
    ids = "".join(f'<p:sldId r:id="{name}"/>' for name in names)
    content: dict[str, str | bytes] = {
        "[Content_Types].xml": f'<Types xmlns="{OPEN}/package/2006/content-types"/>',
        "_rels/.rels": relations({"rId1": ("officeDocument", "ppt/presentation.xml")}),
        "ppt/presentation.xml": f"<p:presentation {NAMESPACES}><p:sldIdLst>{ids}</p:sldIdLst></p:presentation>",
        "ppt/_rels/presentation.xml.rels": relations(names),
        **{f"ppt/{name}": content for name, content in {**_CHART_AND_DIAGRAM, **parts}.items()},
    }
    for number, tree in enumerate(trees, 1):
        root = tree if tree.startswith("<p:sld") else f"<p:sld><p:cSld><p:spTree>{tree}</p:spTree></p:cSld></p:sld>"
        content[f"ppt/slides/slide{number}.xml"] = root.replace("<p:sld", f"<p:sld {NAMESPACES}", 1)
        content[f"ppt/slides/_rels/slide{number}.xml.rels"] = relations(related)
    return packed(content)


def shape(text: str, place: tuple[int, int, int, int] | None = None, fills: str = "", number: int = 0) -> str:
    """A shape of a slide: left, top, width, height; the kind and number of placeholder it fills."""
    role = f'<p:ph type="{fills}" idx="{number}"/>' if fills else ""
    frame = ""
    if place:
        left, top, width, height = place
        frame = f'<a:xfrm><a:off x="{left}" y="{top}"/><a:ext cx="{width}" cy="{height}"/></a:xfrm>'
    texts = "".join(f"<a:p><a:r><a:t>{line}</a:t></a:r></a:p>" for line in text.split("\n"))
    properties = f"<p:nvSpPr><p:nvPr>{role}</p:nvPr></p:nvSpPr><p:spPr>{frame}</p:spPr>"
    return f"<p:sp>{properties}<p:txBody>{texts}</p:txBody></p:sp>"


def odf(body: str, parts: Parts = {}, styles: str = "", kind: str = "text") -> bytes:  # noqa: B006
    """An OpenDocument file whose content is this body, with these styles in it and in its styles.xml."""
    root = f"<office:document-content {ODF_NAMESPACES}>"
    content = f"<office:body><office:{kind}>{body}</office:{kind}></office:body>"
    return packed(
        {
            "mimetype": f"application/vnd.oasis.opendocument.{kind}",
            "META-INF/manifest.xml": f"<manifest:manifest {ODF_NAMESPACES}/>",
            "content.xml": f"{root}{content}</office:document-content>",
            "styles.xml": f"<office:document-styles {ODF_NAMESPACES}>{styles}</office:document-styles>",
            **parts,
        }
    )


def png(width: int = 200, height: int = 120, shade: int = 255) -> bytes:
    """A blank picture."""
    buffer = io.BytesIO()
    Image.new("L", (width, height), shade).save(buffer, "PNG")
    return buffer.getvalue()


_SECTOR = 512
_FREE, _END, _TABLE = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


def compound(streams: Mapping[str, bytes]) -> bytes:
    """A compound file (MS-CFB) of these streams, padded to what needs no mini stream; "a/b" lies in storage a."""
    folders = (name.split("/")[:-1] for name in streams)
    storages = sorted({"/".join(each[:depth]) for each in folders for depth in range(1, len(each) + 1)})
    names = ["Root Entry", *storages, *streams]
    contents = {name: content.ljust(4096, b"\0") for name, content in streams.items()}
    table: list[int] = []
    starts: dict[str, int] = {}
    body = b""

    def add(name: str, content: bytes) -> None:
        starts[name] = len(table)
        count = -(-len(content) // _SECTOR)
        table.extend([*range(len(table) + 1, len(table) + count), _END])
        nonlocal body
        body += content.ljust(count * _SECTOR, b"\0")

    for name, content in contents.items():
        add(name, content)
    children = {each: [name for name in names[1:] if name.rpartition("/")[0] == each] for each in ("", *storages)}
    following = {one: other for each in children.values() for one, other in pairwise(each)}
    entries = b""
    for name in names:
        below = children.get("" if name == "Root Entry" else name, [])
        written = name.rpartition("/")[2].encode("utf-16-le") + b"\0\0"
        is_stream = name in contents
        entries += written.ljust(64, b"\0") + struct.pack(
            "<HBB", len(written), 2 if is_stream else 5 if not entries else 1, 1
        )
        entries += struct.pack("<II", _FREE, names.index(following[name]) if name in following else _FREE)
        entries += struct.pack("<I", names.index(below[0]) if below and not is_stream else _FREE).ljust(40, b"\0")
        entries += struct.pack("<IQ", starts.get(name, _END), len(contents.get(name, b"")))
    add("directory", entries)
    tables = next(count for count in range(1, 100) if count * (_SECTOR // 4) >= len(table) + count)
    first = len(table)
    table += [_TABLE] * tables
    table += [_FREE] * (tables * (_SECTOR // 4) - len(table))
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".ljust(24, b"\0") + struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    header += struct.pack("<III4xIIIII", 0, tables, starts["directory"], 4096, _END, 0, _END, 0)
    header += struct.pack("<109I", *range(first, first + tables), *[_FREE] * (109 - tables))
    return header + body + struct.pack(f"<{len(table)}I", *table)


def native(name: str, content: bytes) -> bytes:
    """The stream of a file dropped into a document; its name stands there twice."""
    label = name.encode("cp1252", "replace") + b"\0"
    wide = struct.pack("<I", len(name)) + name.encode("utf-16-le")
    inner = struct.pack("<H", 2) + label + label + struct.pack("<HHI", 0, 3, len(label)) + label
    inner += struct.pack("<I", len(content)) + content + wide + wide
    return struct.pack("<I", len(inner)) + inner


def binary_word(
    stories: Mapping[str, str],
    *,
    pieces: int = 1,
    is_wide: bool = True,
    marks: Mapping[int, bytes] = {},
    deleted: tuple[int, int] = (0, 0),
    header_ends: Sequence[int] = (),
    sections: Mapping[int, int] = {},
    symbols: Mapping[int, tuple[str, int]] = {},
    flags: int = 0,
    streams: Mapping[str, bytes] = {},
) -> bytes:
    """A .doc of Word 97 and later.

    `marks` are properties by the character position where their paragraph ends, `sections` kinds of section by that of
    their end, `symbols` are font and character of what stands at a position, `deleted` is what was deleted while
    changes were tracked; the pieces stand in the file in reverse order, as after a fast save.
    """
    kinds = ("body", "footnotes", "headers", "macros", "comments", "endnotes", "boxes", "header_boxes")
    text = "".join(stories.get(kind, "") for kind in kinds)
    width = 2 if is_wide else 1
    cuts = [round(each * len(text) / pieces) for each in range(pieces + 1)]
    document = bytearray(0x800)
    offsets: dict[int, int] = {}
    for start, end in reversed(list(pairwise(cuts))):
        offsets[start] = len(document)
        document += text[start:end].encode(
            "utf-16-le" if is_wide else "cp1252", "surrogatepass" if is_wide else "strict"
        )
    document = document.ljust(-(-len(document) // _SECTOR) * _SECTOR, b"\0")

    def offset(position: int) -> int:
        start = max(each for each in offsets if each <= position)
        return offsets[start] + (position - start) * width

    table = struct.pack(f"<{len(cuts)}I", *cuts)
    for start in cuts[:-1]:
        table += struct.pack("<HIH", 0, offset(start) if is_wide else offset(start) * 2 | 0x40000000, 0)
    structures = {
        33: b"\2" + struct.pack("<I", len(table)) + table,
        11: struct.pack(f"<{len(header_ends)}I", *header_ends),
    }
    structures[6] = struct.pack(f"<{len(sections) + 1}I", 0, *sections) if sections else b""
    for kind in sections.values():
        structures[6] += struct.pack("<HIHI", 0, len(document), 0, 0)
        document += struct.pack("<HHB", 3, 0x3009, kind)
    document = document.ljust(-(-len(document) // _SECTOR) * _SECTOR, b"\0")
    ends = sorted(marks)
    runs = [(offset(end - 1), offset(end - 1) + width, b"\0\0" + marks[end]) for end in ends]
    looks = [(offset(deleted[0]), offset(deleted[1]), b"\x00\x08\x01")] if any(deleted) else []
    fonts = list(dict.fromkeys(font for font, _ in symbols.values()))
    structures[15] = struct.pack("<HH", len(fonts), 0)
    for font in fonts:
        written = bytes(39) + font.encode("utf-16-le") + b"\0\0"
        structures[15] += bytes([len(written)]) + written
    for at, (font, code) in symbols.items():
        looks.append((offset(at), offset(at) + width, struct.pack("<HHH", 0x6A09, fonts.index(font), code)))
    for index, found in ((13, runs), (12, sorted(looks))):
        if found:
            structures[index] = struct.pack("<III", 0, 0xFFFFFFF, len(document) // _SECTOR)
            document += _properties_page(found, is_paragraphs=index == 13)
    stream = b""
    for index, structure in structures.items():
        struct.pack_into("<II", document, 0x9A + 8 * index, len(stream), len(structure))
        stream += structure
    struct.pack_into("<HHHHH", document, 0, 0xA5EC, 0xC1, 0, 0x409, 0)
    struct.pack_into("<H", document, 10, flags)
    struct.pack_into("<8i", document, 0x4C, *(len(stories.get(kind, "")) for kind in kinds))
    return compound({"WordDocument": bytes(document), "0Table": stream, **streams})


def _properties_page(runs: Iterable[tuple[int, int, bytes]], *, is_paragraphs: bool) -> bytes:
    """512 bytes: offsets of the runs and the gaps between them, where their properties stand, and these."""
    bounds: list[int] = []
    properties: list[bytes] = []
    for start, end, each in runs:
        if bounds and bounds[-1] != start:
            properties.append(b"")
        bounds += [start] if not bounds or bounds[-1] != start else []
        bounds.append(end)
        properties.append(each)
    page = bytearray(_SECTOR)
    struct.pack_into(f"<{len(bounds)}I", page, 0, *bounds)
    at = _SECTOR - 2
    for number, each in enumerate(properties):
        if not each:
            continue
        written = (b"\0" + bytes([-(-len(each) // 2)]) if is_paragraphs else bytes([len(each)])) + each
        at -= len(written) + len(written) % 2
        page[at : at + len(written)] = written
        page[4 * len(bounds) + number * (13 if is_paragraphs else 1)] = at // 2
    page[-1] = len(properties)
    return bytes(page)
