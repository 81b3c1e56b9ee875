"""Which kind of text a text is."""

import csv
import re
from itertools import islice

from heron_grpc.reading import media_types as types

DELIMITERS = ",;\t|"
_SAMPLE_ROWS = 60
_FEWEST_ROWS = 3
_MOST_CELL_CHARS = 60
_CSV_NAMES = (".csv", ".tsv", ".tab")
_HTML = re.compile(r"\s*(<!--.*?-->\s*)*<(!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_XML = re.compile(r"\s*<\?xml\b|\s*<([A-Za-z_][\w.-]*:)?[A-Za-z_][\w.-]*(\s+[\w:.-]+\s*=\s*[\"'][^<]*)?\s*/?>")
_JSON = re.compile(r"\s*(\{\s*(\"|\}\s*$)|\[\s*([\[{\"\d-]|true|false|null|\]\s*$))")
_JSON_END = re.compile(r"[\]}]\s*$")
_HEADER = re.compile(r"([A-Za-z][A-Za-z0-9-]*):[ \t]|[ \t]\S|[A-Za-z][A-Za-z0-9-]*:$")
# Headers that mail software writes and nobody types.
_MAIL_HEADERS = frozenset({"mime-version", "received", "message-id", "return-path", "dkim-signature", "content-type"})


def by_text_rules(head: str, *, complete: bool, filename: str) -> str:
    """The media type of a text that begins with `head`; its name decides between plain text and csv alone."""
    if _is_mail(head):
        return types.EML
    if _HTML.match(head):
        return types.HTML
    if _XML.match(head):
        return types.SVG if "<svg" in head[:1000] else _markup(head)
    if _JSON.match(head) and (not complete or _JSON_END.search(head)):
        return types.JSON
    name = filename.lower()
    if name.endswith(_CSV_NAMES):
        return types.CSV
    # A table under any other name is one too, unless the name says plain text.
    return types.CSV if not name.endswith(".txt") and delimiter_of(head, complete=complete) else types.PLAIN


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
    """Header fields from the first line on (RFC 5322), among them one only software writes."""
    lines = head.lstrip("\r\n").splitlines()
    if lines and lines[0].startswith("From "):
        lines = lines[1:]
    names: list[str] = []
    for line in lines[:200]:
        if not line.strip():
            break
        field = _HEADER.match(line)
        if not field:
            return False
        if field.group(1):
            names.append(field.group(1).lower())
    return len(names) >= 3 and not _MAIL_HEADERS.isdisjoint(names)


def _markup(head: str) -> str:
    return types.HTML if re.search(r"<html\b", head[:2000], re.IGNORECASE) else types.XML
