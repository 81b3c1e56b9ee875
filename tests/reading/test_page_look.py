"""Looks of pages: made where they are wanted and can be had, of the page as it is read, and never in the way."""

import math
from dataclasses import replace

import pytest
from PIL import Image, ImageDraw

from heron_grpc.domain.document import LOOK_LENGTH, Box, OcrMode, Page, PageLook, Part, ReadRequest, Word
from heron_grpc.domain.errors import ProtocolError
from heron_grpc.domain.steps import Effort, gather
from heron_grpc.lab.generator import Generator
from heron_grpc.lab.generator.rendering import render
from heron_grpc.reading import pdf_look
from heron_grpc.reading.answer_frames import Assembly, encode_steps
from heron_grpc.reading.ocr.recognition import PageImage, PageJob
from heron_grpc.reading.page_look import look_at, watched
from heron_grpc.reading.read_document import read_document
from heron_grpc.settings import ReadingSettings


def read(path, **options):
    request = ReadRequest(str(path), with_words=False, with_tables=False, ocr=OcrMode.NEVER, **options)
    return gather(read_document(request, ReadingSettings()))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("look")

    def _drawn(label):
        path = folder / f"{label.rpartition('/')[2]}.pdf"
        path.write_bytes(render(Generator().draw(label, 5, 0), "pdf").content)
        return path

    return _drawn


@pytest.fixture(scope="module")
def card(drawn):
    return drawn("identity/drivers_license")


def test_a_pdf_has_a_look_where_it_is_wanted_and_reads_the_same(card):
    seen, unseen = read(card, look_chars=1000), read(card)
    assert unseen.look is None
    assert len(seen.look.values) == LOOK_LENGTH
    assert replace(seen, look=None) == unseen
    assert seen.look.values[0] == pytest.approx(math.log(seen.pages[0].width / seen.pages[0].height), abs=0.02)


def test_a_page_that_is_slow_to_draw_has_no_look_and_is_read_all_the_same(card, monkeypatch):
    monkeypatch.setattr(pdf_look, "_MOST_S", -1.0)
    reading = read(card, look_chars=1000)
    assert reading.look is None
    assert reading.pages == read(card).pages


def test_a_page_with_text_enough_needs_no_look(drawn):
    reading = read(drawn("legal/contract"), look_chars=1000)
    assert len(reading.pages[0].text) > 1000
    assert reading.look is None


def test_what_has_no_pages_to_look_at_has_no_look(tmp_path):
    path = tmp_path / "note.txt"
    path.write_text("Dear all,\nthis is text.")
    assert read(path, look_chars=1000).look is None


def page_and_picture():
    image = Image.new("L", (300, 400), 250)
    pen = ImageDraw.Draw(image)
    words = []
    for row in range(12):
        pen.rectangle((30, 40 + row * 20, 30 + 15 * row, 50 + row * 20), fill=20)
        words.append(Word(row * 3, row * 3 + 2, Box(0.1, 0.1 + row / 20, 0.2 + row / 25, 0.125 + row / 20)))
    return Page(1, "A1 " * 12, 300, 400, tuple(words)), image


def test_a_picture_on_its_side_is_looked_at_upright():
    page, image = page_and_picture()
    kept: list[PageLook] = []
    lying = image.transpose(Image.Transpose.ROTATE_270)
    job = watched(PageJob(1, lying.size, lambda: PageImage(lying)), kept.append)
    job.draw()
    job.finish(replace(page, rotation=90))
    upright = look_at(image, page)
    assert kept[0].values == pytest.approx(upright.values, abs=0.02)
    assert kept[0].values != pytest.approx(look_at(lying, page).values, abs=0.02)


def test_a_page_never_drawn_or_far_too_narrow_has_none():
    page, image = page_and_picture()
    kept: list[PageLook] = []
    watched(PageJob(1, image.size, lambda: PageImage(image)), kept.append).finish(page)
    assert kept == []
    assert look_at(image.resize((400, 5)), page) is None


@pytest.mark.parametrize("values", [(0.0,) * LOOK_LENGTH, (0.0,) * 3, (*(0.0,) * (LOOK_LENGTH - 1), math.inf)])
def test_a_child_can_send_no_other_look(values):
    frames = encode_steps([Part(0, "image/png"), PageLook(values), Page(1, "x"), Effort(0.0)])
    assembly = Assembly()
    if values == (0.0,) * LOOK_LENGTH:
        assert PageLook(values) in [step for frame in frames for step in assembly.add(frame)]
    else:
        with pytest.raises(ProtocolError):
            [step for frame in frames for step in assembly.add(frame)]
