"""A reading as JSON, as `heron read --json` prints it."""

from typing import Any

from heron import Page, Reading
from heron.v1 import reading_pb2

# Protobuf floats carry 7 digits; the rest is noise.
_DIGITS = 6


def reading_json(reading: Reading) -> dict[str, Any]:
    """All there is, enums by their names, boxes as [left, upper, right, lower] fractions of the page."""
    return {
        "mime_type": reading.mime_type,
        "sha256": reading.sha256,
        "languages": [
            {"language": score.language_code, "confidence": round(score.confidence, _DIGITS)}
            for score in reading.languages
        ],
        "metadata": dict(reading.metadata),
        "parts": [
            {
                "number": part.number,
                "mime_type": part.mime_type,
                "filename": part.filename,
                "container": part.container,
                "size_bytes": part.size_bytes,
            }
            for part in reading.parts
        ],
        "pages": [_page(page) for page in reading.pages],
        "tables": [
            {"number": table.number, "page": table.page, "rows": [list(row.cells) for row in table.rows]}
            for table in reading.tables
        ],
        "warnings": [
            {"code": warning.code, "message": warning.message, "page": warning.page} for warning in reading.warnings
        ],
        "stats": {
            "total_ms": _milliseconds(reading.stats.total),
            "queued_ms": _milliseconds(reading.stats.queued),
            "ocr_ms": _milliseconds(reading.stats.ocr),
            "pages": reading.stats.pages,
            "ocr_pages": reading.stats.ocr_pages,
        },
    }


def _page(page: Page) -> dict[str, Any]:
    return {
        "number": page.number,
        "part": page.part,
        "width": round(page.width, _DIGITS),
        "height": round(page.height, _DIGITS),
        "rotation": page.rotation,
        "text_source": reading_pb2.TextSource.Name(page.text_source).removeprefix("TEXT_SOURCE_"),
        "language": page.language.language_code or None,
        "language_confidence": round(page.language.confidence, _DIGITS),
        "ocr_confidence": round(page.ocr_confidence, _DIGITS),
        "quality": round(page.quality, _DIGITS),
        "text": page.text,
        "words": [
            {
                "text": page.text[word.span.start : word.span.end],
                "span": [word.span.start, word.span.end],
                "box": [
                    round(edge, _DIGITS) for edge in (word.box.x_min, word.box.y_min, word.box.x_max, word.box.y_max)
                ],
                "confidence": round(word.confidence, _DIGITS),
                "line": word.line,
            }
            for word in page.words
        ],
    }


def _milliseconds(duration: Any) -> float:
    return round(float(duration.ToNanoseconds()) / 1e6, 3)
