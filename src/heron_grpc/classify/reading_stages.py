"""The text and ocr stages: what was read, how well, and what its headings say."""

from dataclasses import dataclass, replace

from heron_grpc.classify.evidence import page_offsets
from heron_grpc.classify.findings import Finding, no_finding
from heron_grpc.classify.titles import read_titles
from heron_grpc.domain.classification import StageState
from heron_grpc.domain.document import OcrMode, Reading, TextSource
from heron_grpc.domain.taxonomy import TaxonomyPack

TEXT = "text"
OCR = "ocr"
# Mean word confidence of a clean scan; below it the model's answer is flattened in proportion.
GOOD_OCR = 0.8
_LEAST_QUALITY = 0.5


@dataclass(frozen=True, slots=True)
class OcrFinding:
    """What OCR found and how far the model may be trusted on it (0.5 to 1)."""

    finding: Finding
    quality: float = 1.0


def read_text(reading: Reading, pack: TaxonomyPack, read_s: float) -> Finding:
    """Headings on the first digital page; its time is the reading's without OCR."""
    duration_s = max(0.0, read_s - reading.ocr_s)
    found = _titles(TEXT, reading, pack, TextSource.DIGITAL)
    if found is None:
        return no_finding(TEXT, StageState.NOT_APPLICABLE, "no page has digital text", duration_s)
    return found.lasting(duration_s)


def read_ocr(reading: Reading, pack: TaxonomyPack, mode: OcrMode, *, is_file: bool) -> OcrFinding:
    """Headings on the first recognised page, trusted as far as its recognition."""
    found = _titles(OCR, reading, pack, TextSource.OCR)
    if found is None:
        return OcrFinding(_without_ocr(reading, mode, is_file=is_file))
    confidence = _confidence(reading)
    detail = f"{reading.ocr_pages} pages recognised, confidence {confidence:.2f}; {found.detail}"
    recognised = replace(found, duration_s=reading.ocr_s, detail=detail)
    return OcrFinding(recognised, max(_LEAST_QUALITY, min(1.0, confidence / GOOD_OCR)))


def _titles(stage: str, reading: Reading, pack: TaxonomyPack, source: TextSource) -> Finding | None:
    """Of the first page from this source that holds text; None without one."""
    for page, offset in zip(reading.pages, page_offsets(reading), strict=True):
        if page.source is source and page.text and not page.text.isspace():
            return read_titles(stage, page, offset, pack, min(1.0, page.ocr_confidence))
    return None


def _without_ocr(reading: Reading, mode: OcrMode, *, is_file: bool) -> Finding:
    if not is_file:
        return no_finding(OCR, StageState.NOT_APPLICABLE, "text needs no OCR")
    if mode is OcrMode.NEVER:
        return no_finding(OCR, StageState.SKIPPED, "switched off by the caller")
    failed = [warning.code for warning in reading.warnings if warning.code.startswith("OCR_")]
    if failed and any(page.source is TextSource.NONE for page in reading.pages):
        timed_out = any("BUDGET" in code for code in failed)
        state = StageState.TIMED_OUT if timed_out else StageState.FAILED
        return no_finding(OCR, state, ", ".join(dict.fromkeys(failed)), reading.ocr_s)
    return no_finding(OCR, StageState.NOT_APPLICABLE, "no page needed OCR", reading.ocr_s)


def _confidence(reading: Reading) -> float:
    """Mean over the document's characters; digital pages count as 1."""
    total = sum(len(page.text) for page in reading.pages)
    if total == 0:
        return 1.0
    return sum(page.ocr_confidence * len(page.text) for page in reading.pages) / total
