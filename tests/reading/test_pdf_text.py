"""The quick way to a page's text says what the thorough one says."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heron_grpc.classify.stages import Subject
from heron_grpc.domain.document import Reading
from heron_grpc.reading.pdf_text import _assemble, _assemble_text, _characters, read_text_layer
from stage_inputs import ChosenModel, classify, uniform_but

CATALOG, PAGES = b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>"
PAGE = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>"
FONT = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/ToUnicode 6 0 R>>"
LINES = (b"heron at sea zon-", b"ea a", b"aaa")


def page_meaning(code: str) -> bytes:
    """A PDF whose font says that "a" stands for `code`."""
    cmap = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap 1 begincodespacerange <00> <FF> "
        f"endcodespacerange 1 beginbfchar\n<61> <{code}>\nendbfchar endcmap end end"
    ).encode()
    shown = b"BT /F 12 Tf 72 700 Td %b ET" % b" 0 -14 Td ".join(b"(%b) Tj" % line for line in LINES)
    streams = [b"<</Length %d>>stream\n%b\nendstream" % (len(each), each) for each in (shown, cmap)]
    body, offsets = b"%PDF-1.5\n", []
    for number, content in enumerate((CATALOG, PAGES, PAGE, streams[0], FONT, streams[1]), 1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    end = b"trailer<</Size 7/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % len(body)
    return body + b"xref\n0 7\n0000000000 65535 f \n" + table + end


@pytest.mark.parametrize(
    "code", ["0061", "D834DD1E", "0000", "0001", "0003", "0002", "FB01", "00660066", "FFFE", "D834"]
)
def test_characters_stand_where_the_page_has_them(code: str) -> None:
    with closing(pdfium.PdfDocument(page_meaning(code))) as document:
        textpage = document[0].get_textpage()
        count = textpage.count_chars()
        one_by_one = [chr(pdfium_c.FPDFText_GetUnicode(textpage.raw, index)) for index in range(count)]
        for most in (0, 1, 3, count):
            assert _characters(textpage, most) == "".join(one_by_one[:most])


@pytest.mark.parametrize("code", ["0061", "D834DD1E", "0000", "0003", "FB01", "FFFE"])
def test_text_is_the_same_without_words(code: str) -> None:
    with closing(pdfium.PdfDocument(page_meaning(code))) as document:
        with_words = read_text_layer(document[0], 1000, with_words=True)
        assert with_words.words
        assert read_text_layer(document[0], 1000, with_words=False) == replace(with_words, words=())


@given(st.text(st.sampled_from(" \n\r\t\f\x85\u2003\u3000aé\ud834\udd1e-"), max_size=40))
def test_white_space_is_treated_the_same_without_words(raw: str) -> None:
    assert _assemble_text(raw) == _assemble(raw, lambda *_: None)[0]


@pytest.mark.parametrize("document", ["text_pdf", "mixed_pdf", "scanned_pdf"])
async def test_the_answer_is_the_same_without_words(
    read: Callable[..., Reading], request: pytest.FixtureRequest, document: str
) -> None:
    path: Path = request.getfixturevalue(document)
    whole, bare = read(path), read(path, with_words=False)
    assert any(page.words for page in whole.pages)
    wordless = replace(whole, pages=tuple(replace(page, words=()) for page in whole.pages), ocr_s=bare.ocr_s)
    assert bare == wordless
    model = ChosenModel(uniform_but(invoice=0.9))
    verdicts = [await classify(Subject(reading), model) for reading in (whole, bare)]
    assert verdicts[0].scores == verdicts[1].scores
    assert verdicts[0].decision == verdicts[1].decision
