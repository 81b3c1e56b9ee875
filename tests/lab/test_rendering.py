"""Generated documents as files: read back they say what was drawn, and their fields stand where it is told."""

import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from heron_grpc.domain.document import OcrMode, ReadRequest
from heron_grpc.domain.steps import gather
from heron_grpc.lab.generator import Generator
from heron_grpc.lab.generator.document import Clean, GeneratedDocument, GeneratedField
from heron_grpc.lab.generator.rendering import FORMATS, render, write_documents
from heron_grpc.lab.generator.rendering.lines import lines_of
from heron_grpc.lab.generator.rendering.typesetting import A4, Style, set_pages
from heron_grpc.reading.read_document import read_document
from heron_grpc.settings import ReadingSettings

TEXT_FORMATS = ("pdf", "docx", "xlsx", "csv", "html", "txt")
PICTURES = ("jpg", "png", "tif", "scan.pdf")


@pytest.fixture(scope="module")
def generator() -> Generator:
    return Generator()


@pytest.fixture
def read(tmp_path: Path) -> Callable:
    def read(content: bytes, **options):
        path = tmp_path / "document"
        path.write_bytes(content)
        return gather(read_document(ReadRequest(str(path), **options), ReadingSettings()))

    return read


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


@pytest.mark.parametrize("wanted", TEXT_FORMATS)
@pytest.mark.parametrize("label", ["financial/receivable/invoice", "financial/report/balance_sheet", "legal/lease"])
def test_every_word_is_in_the_file(generator, read, label, wanted):
    document = generator.draw(label, 3, 1)
    found = words(read(render(document, wanted).content, ocr=OcrMode.NEVER).text)
    lost = [word for word in words(document.clean.text) if word not in found]
    # A number may be written in another way in a workbook, and a word of a letter the typeface lacks differs.
    assert len(lost) <= 0.03 * len(words(document.clean.text)), lost


@pytest.mark.parametrize("wanted", PICTURES)
def test_a_picture_is_read_by_ocr_alone(generator, read, wanted):
    document = generator.draw("financial/bill/utility_bill", 2, 1)
    reading = read(render(document, wanted).content)
    truth = set(words(document.clean.text))
    assert len(truth & set(words(reading.text))) >= 0.5 * len(truth)
    assert {page.source.name for page in reading.pages} == {"OCR"}


def test_fields_stand_where_it_is_told(generator, read):
    document = generator.draw("financial/receivable/invoice", 5, 2)
    rendered = render(document, "pdf")
    reading = read(rendered.content)
    checked = 0
    for field in rendered.fields:
        page = reading.pages[field.page - 1]
        box = field.boxes[0]
        inside = [
            page.text[word.start : word.end]
            for word in page.words
            if box.y_min - 0.01 <= word.box.y_min
            and word.box.y_max <= box.y_max + 0.01
            and word.box.x_max > box.x_min
            and word.box.x_min < box.x_max
        ]
        assert set(words(field.value.split()[0])) <= set(words(" ".join(inside))), (field, inside)
        checked += 1
    assert checked >= 5


@pytest.mark.parametrize("wanted", ["jpg", "png"])
def test_boxes_follow_the_camera(wanted):
    clean = Clean("\n" * 12 + "Mark", (GeneratedField("mark", 12, 16),))
    document = GeneratedDocument("form/other_form", clean.text, "en", "none", "7/mark", clean)
    rendered = render(document, wanted)
    [field] = rendered.fields
    [box] = field.boxes
    picture = Image.open(io.BytesIO(rendered.content)).convert("L")
    edges = (
        box.x_min * picture.width,
        box.y_min * picture.height,
        box.x_max * picture.width,
        box.y_max * picture.height,
    )
    darkest = picture.crop(tuple(map(round, edges))).getextrema()[0]
    beside = picture.crop((round(edges[2]) + 8, round(edges[1]), round(edges[2]) + 60, round(edges[3]))).getextrema()[0]
    assert darkest < beside - 40


def test_the_same_document_gives_the_same_file(generator):
    for wanted in FORMATS:
        document = generator.draw("correspondence/email", 4, 0)
        assert render(document, wanted).content == render(document, wanted).content, wanted


def test_a_mail_has_its_headers(generator, read):
    text = "From: Ann Wren <ann@wren.example>\nTo: Bo\nSubject: Rods\n\nTwelve rods, please."
    document = GeneratedDocument("correspondence/email", text, "en", "none", "1", Clean(text, ()))
    rendered = render(document, "eml")
    assert rendered.suffix == "eml"
    reading = read(rendered.content)
    assert "Subject: Rods" in reading.text
    assert "Twelve rods, please." in reading.text


def test_what_is_no_mail_and_what_cannot_be_drawn_still_becomes_a_file(generator):
    plain = GeneratedDocument("legal/nda", "no headers", "en", "none", "1", Clean("no headers", ()))
    assert render(plain, "eml").suffix == "txt"
    cyrillic = GeneratedDocument("meta/other", "цапля стоит", "en", "none", "1", Clean("цапля стоит", ()))
    assert render(cyrillic, "pdf").suffix == "docx"


def test_long_lines_are_wrapped_and_long_texts_go_on_on_another_page():
    text = "\n".join(["word " * 300] * 10)
    style = Style(A4, margin=50, size=10, title=1.5, ruled=False, amounts_right=False)
    pages = set_pages(lines_of(text), style)
    assert pages.pages > 1
    assert sum(len(words(run.piece.text)) for run in pages.runs) == 3000
    for run in pages.runs:
        assert text[run.piece.start : run.piece.start + len(run.piece.text)] == run.piece.text
        assert all(box.x_max <= 1 and box.y_max <= 1 for _, box in pages.boxes(run.piece.start, run.piece.start + 4))


def test_a_folder_holds_files_labels_and_truth(generator, tmp_path):
    drawn = [generator.draw(label, 1, 0) for label in ("tax/w2", "hr/payslip")]
    assert write_documents(tmp_path, drawn) == 2
    rows = [json.loads(line) for line in (tmp_path / "ground_truth.jsonl").read_text().splitlines()]
    assert [row["label"] for row in rows] == ["tax/w2", "hr/payslip"]
    assert all((tmp_path / row["file"]).stat().st_size for row in rows)
    assert all(row["text"] and row["fields"] for row in rows)
    assert (tmp_path / "manifest.csv").read_text().splitlines()[0] == "file,label"
