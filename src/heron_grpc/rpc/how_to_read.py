"""The options about reading that several requests share: when to recognise, in which languages, which pages."""

import re
from dataclasses import dataclass

from heron.v1 import classification_pb2, reading_pb2
from heron_grpc.domain.document import OcrMode
from heron_grpc.rpc.violations import Violations

_MOST_LANGUAGES = 10
_MOST_PAGE_RANGES = 100
# The forms of BCP-47 in use: language, optional script, optional region.
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?")
_PAGE_RANGE = re.compile(r"([1-9][0-9]{0,8})(?:-([1-9][0-9]{0,8}))?")
_OCR_MODES = {
    classification_pb2.OCR_MODE_UNSPECIFIED: OcrMode.AUTO,
    classification_pb2.OCR_MODE_AUTO: OcrMode.AUTO,
    classification_pb2.OCR_MODE_NEVER: OcrMode.NEVER,
    classification_pb2.OCR_MODE_ALWAYS: OcrMode.ALWAYS,
}


@dataclass(frozen=True, slots=True)
class HowToRead:
    """As in ReadRequest."""

    ocr: OcrMode
    languages: tuple[str, ...]
    page_ranges: tuple[tuple[int, int], ...]


def how_to_read(
    message: classification_pb2.ClassifyOptions | reading_pb2.ReadOptions, violations: Violations
) -> HowToRead:
    """What `options` say of it, every broken rule noted; to be used only if there is none."""
    check = violations.check
    check(message.ocr in _OCR_MODES, "options.ocr", "not a known mode")
    languages = tuple(message.languages)
    check(len(languages) <= _MOST_LANGUAGES, "options.languages", f"at most {_MOST_LANGUAGES}")
    check(all(map(_LANGUAGE.fullmatch, languages)), "options.languages", 'BCP-47 tags such as "de"')
    return HowToRead(_OCR_MODES.get(message.ocr, OcrMode.AUTO), languages, _page_ranges(message.pages, violations))


def _page_ranges(pages: str, violations: Violations) -> tuple[tuple[int, int], ...]:
    if not pages.strip():
        return ()
    parts = [part.strip() for part in pages.split(",")]
    matches = [_PAGE_RANGE.fullmatch(part) for part in parts[: _MOST_PAGE_RANGES + 1]]
    ranges = tuple((int(match[1]), int(match[2] or match[1])) for match in matches if match)
    holds = len(ranges) == len(parts) <= _MOST_PAGE_RANGES and all(first <= last for first, last in ranges)
    violations.check(holds, "options.pages", 'ranges of 1-based pages such as "1-3,7"')
    return ranges
