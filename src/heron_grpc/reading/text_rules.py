"""Which kind of text a text is."""

import csv
import re
from itertools import islice

import orjson

from heron_grpc.reading import media_types as types

DELIMITERS = ",;\t|"
_SAMPLE_ROWS = 60
_FEWEST_ROWS = 3
_MOST_CELL_CHARS = 60
_NAMES = (
    ((".csv", ".tsv", ".tab"), types.CSV),
    ((".md", ".markdown"), types.MARKDOWN),
    ((".txt", ".text"), types.PLAIN),
)
_HTML = re.compile(
    r"\s*(<!--.*?-->\s*)*<(!doctype\s+html|(html|head|body|meta|title|style|script|div|p|table|span|center|font|br|h[1-6])(?=[\s/>]))",
    re.IGNORECASE | re.DOTALL,
)
_XML = re.compile(r"\s*<\?xml\b|\s*<([A-Za-z_][\w.-]*:)?[A-Za-z_][\w.-]*(\s+[\w:.-]+\s*=\s*[\"'][^<]*)?\s*/?>")
_JSON = re.compile(r"\s*(\{\s*(\"|\}\s*$)|\[\s*([\[{\"\d-]|true|false|null|\]\s*$))")
_HEADER = re.compile(r"([A-Za-z][A-Za-z0-9_-]*)\s*:|[ \t]\S")
_MBOX = re.compile(r"From \S+ .*\d\d:\d\d")
_MOST_HEADERS = 200
# Headers that mail software writes and nobody types, and those that begin a part of a mail.
_MAIL_HEADERS = frozenset({"mime-version", "received", "message-id", "return-path", "dkim-signature", "content-type"})
_BEGIN_MIME = ("content-", "mime-version")
_MAIL_ADDRESS = re.compile(r"^From\s*:.*@", re.IGNORECASE | re.MULTILINE)


def by_text_rules(head: str, *, complete: bool, filename: str) -> str:
    """The media type of a text that begins with `head`; its name decides between plain text, markdown and csv alone."""
    if _is_mail(head):
        return types.MBOX if _MBOX.match(head) else types.EML
    if _HTML.match(head):
        return types.HTML
    if _XML.match(head):
        return types.SVG if "<svg" in head[:1000] else _markup(head)
    if _JSON.match(head) and (not complete or _is_json(head)):
        return types.JSON
    return _by_name(filename.lower()) or (types.CSV if delimiter_of(head, complete=complete) else types.PLAIN)


def _by_name(name: str) -> str:
    """What a name says of a text that is no markup; "" when it says nothing."""
    return next((media_type for suffixes, media_type in _NAMES if name.endswith(suffixes)), "")


def delimiter_of(head: str, *, complete: bool) -> str:
    """The delimiter whose columns are the same in every row, or "" for a text that is no table."""
    lines = head.splitlines()
    lines = lines if complete else lines[:-1]
    best = max(((_columns(lines, delimiter), delimiter) for delimiter in DELIMITERS), default=(0, ""))
    return best[1] if best[0] > 1 else ""


def _columns(lines: list[str], delimiter: str) -> int:
    """Columns the lines have with this delimiter; 0 when they do not agree or look like prose."""
    if not any(delimiter in line for line in lines[:_SAMPLE_ROWS]):
        return 0
    try:
        rows = [row for row in islice(csv.reader(lines, delimiter=delimiter), _SAMPLE_ROWS) if row]
    except csv.Error:
        return 0
    if len(rows) < _FEWEST_ROWS:
        return 0
    counts = [len(row) for row in rows]
    usual = max(set(counts), key=counts.count)
    cells = [cell for row in rows for cell in row]
    # In prose a comma is followed by a space; in a table that is rare, or so in every row.
    spaced = sum(cell.startswith(" ") for cell in cells) / len(cells)
    short = sum(map(len, cells)) / len(cells) <= _MOST_CELL_CHARS
    regular = counts.count(usual) >= 0.9 * len(counts)
    return usual if regular and short and (spaced < 0.2 or usual > 3) else 0


def _is_mail(head: str) -> bool:
    """Header fields up to an empty line (RFC 5322): one only software writes, or a sender's address and a subject."""
    lines = head.lstrip("\r\n").splitlines()
    if lines and _MBOX.match(lines[0]):
        lines = lines[1:]
    names: list[str] = []
    for at, line in enumerate(lines[:_MOST_HEADERS]):
        if not line.strip():
            lines = lines[:at]
            break
        field = _HEADER.match(line)
        if not field:
            return False
        if field.group(1):
            names.append(field.group(1).lower())
    if names and names[0].startswith(_BEGIN_MIME) and "content-type" in names:
        return True
    if len(names) < 3:
        return False
    return not _MAIL_HEADERS.isdisjoint(names) or ("subject" in names and bool(_MAIL_ADDRESS.search("\n".join(lines))))


def _is_json(text: str) -> bool:
    """Whether it is one value, or one on each line."""
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        first, *lines = text.split("\n")
        return bool(lines) and first.rstrip().endswith(("}", "]")) and _is_json(first)
    return True


def _markup(head: str) -> str:
    return types.HTML if re.search(r"<html\b", head[:2000], re.IGNORECASE) else types.XML
