"""The lines of a document as files without pages: Word, workbook, CSV, HTML and mail."""

import csv
import io
import re
from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from html import escape
from random import Random

import docx
import xlsxwriter

from heron_grpc.lab.generator.rendering.lines import Cells, blocks_of, is_table
from heron_grpc.lab.samples.documents import docx_bytes

_MADE = datetime(2024, 1, 1)  # noqa: DTZ001  of no place
_AMOUNT = re.compile(r"-?\d{1,3}(?:,\d{3})*\.\d\d")
# Header fields by their names in the languages of the layouts; empty for what a mail program writes itself.
_HEADERS = {
    **dict.fromkeys(("from", "von", "de", "da", "van", "od", "expéditeur"), "From"),
    **dict.fromkeys(("to", "an", "à", "para", "a", "aan", "do"), "To"),
    **dict.fromkeys(("cc", "kopie"), "Cc"),
    **dict.fromkeys(("subject", "betreff", "objet", "asunto", "oggetto", "onderwerp", "temat"), "Subject"),
    **dict.fromkeys(("sent", "date", "gesendet", "datum", "envoyé", "fecha", "data", "verzonden", "received"), ""),
    **dict.fromkeys(("mime-version", "message-id", "content-type", "return-path", "reply-to"), ""),
}
_HEADER_LINE = re.compile(r"([^\W\d_]{1,12}(?:-[^\W\d_]{1,12})?) ?: ?(.+)")


def word_file(lines: Sequence[Cells]) -> bytes:
    """A docx; rows of a table as a table."""
    document = docx.Document()
    for block in blocks_of(tuple(lines)):
        if is_table(block):
            table = document.add_table(rows=len(block), cols=len(block[0]))
            for row, cells in zip(table.rows, block, strict=True):
                for cell, piece in zip(row.cells, cells, strict=True):
                    cell.text = _valid(piece.text)
        else:
            for cells in block:
                document.add_paragraph(_valid("\t".join(piece.text for piece in cells)))
    return docx_bytes(document)


def workbook(lines: Sequence[Cells], random: Random) -> bytes:
    """An xlsx, amounts as numbers in most."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_urls": False}) as book:
        book.set_properties({"created": _MADE})
        sheet, amounts = book.add_worksheet(), book.add_format({"num_format": "#,##0.00"})
        as_numbers = random.random() < 0.8
        for row, cells in enumerate(lines):
            for column, piece in enumerate(cells):
                if as_numbers and _AMOUNT.fullmatch(piece.text):
                    sheet.write_number(row, column, float(piece.text.replace(",", "")), amounts)
                else:
                    sheet.write_string(row, column, piece.text)
    return buffer.getvalue()


def csv_file(lines: Sequence[Cells], random: Random) -> bytes:
    """Rows of texts, separated as one of several programs does."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=random.choice(",,;\t"), lineterminator=random.choice(("\n", "\r\n")))
    writer.writerows([piece.text for piece in cells] for cells in lines if cells)
    return buffer.getvalue().encode(random.choice(("utf-8", "utf-8-sig")))


def html_file(lines: Sequence[Cells]) -> bytes:
    """A page; the first line is its heading."""
    parts = ["<!DOCTYPE html><html><head><meta charset='utf-8'><style>td{padding:2px}</style></head><body>"]
    for number, block in enumerate(blocks_of(tuple(lines))):
        if is_table(block):
            rows = ("".join(f"<td>{escape(piece.text)}</td>" for piece in cells) for cells in block)
            parts += ["<table>", *(f"<tr>{row}</tr>" for row in rows), "</table>"]
        else:
            tag = "p" if number else "h1"
            parts += [f"<{tag}>{escape(' '.join(piece.text for piece in cells))}</{tag}>" for cells in block if cells]
    return "\n".join([*parts, "</body></html>"]).encode()


def mail(lines: Sequence[Cells]) -> bytes | None:
    """A message whose headers are those the text begins with; nothing for a text that names no sender or subject."""
    message = EmailMessage(SMTP.clone(raise_on_defect=False))
    body: list[Cells] = []
    for cells in lines:
        headers = {} if body[1:] else _headers(cells)
        for name, value in headers.items():
            if name not in message:
                message[name] = _address(value) if name in {"From", "To", "Cc"} else value
        if not headers:
            body.append(cells)
    if "From" not in message or "Subject" not in message:
        return None
    message.set_content("\n".join("  ".join(piece.text for piece in cells) for cells in body) + "\n")
    return bytes(message)


def _headers(cells: Cells) -> dict[str, str]:
    """The header fields of a line that holds nothing else; those a mail program writes itself are left out."""
    found = [_HEADER_LINE.fullmatch(piece.text) for piece in cells]
    if not cells or not all(match and match[1].lower() in _HEADERS for match in found):
        return {}
    named = {_HEADERS[match[1].lower()]: match[2] for match in found if match}
    return {name: value for name, value in named.items() if name}


def _address(text: str) -> str:
    """As headers take it: a name alone gets an address."""
    plain = re.sub(r"[^\w@.+ -]", " ", text, flags=re.ASCII).strip()
    found = re.search(r"[\w.+-]+@[\w.-]+\w", plain)
    name = re.sub(r"\s+", " ", plain.replace(found[0], "") if found else plain).strip()
    return f'"{name}" <{found[0] if found else "sender@mail.example"}>'


def _valid(text: str) -> str:
    """Without characters XML has no place for."""
    return "".join(sign for sign in text if sign.isprintable() or sign == "\t")
