import numpy as np
import pytest
from PIL import Image

from benchmarks.accuracy.ocr import held_out, pages, scripts, subjects, tuning
from benchmarks.accuracy.ocr.receipts import receipts

HALVES = (tuning, held_out)
# At the end of its scale, so that drawing takes no time.
SMALL = "low resolution"


@pytest.mark.parametrize("half", HALVES, ids=lambda half: half.HALF)
def test_a_page_is_the_same_for_a_seed_and_another_for_another(half):
    page, again, other = half.page(SMALL, "1"), half.page(SMALL, "1"), half.page(SMALL, "2")
    assert page.text == again.text
    assert np.array_equal(page.pixels, again.pixels)
    assert page.text != other.text


@pytest.mark.parametrize("half", HALVES, ids=lambda half: half.HALF)
def test_a_page_holds_text_in_dark_on_light(half):
    page = half.page(SMALL, "1")
    assert len(page.text.split()) > 30
    assert 0.005 < (page.pixels < 128).mean() < 0.3


@pytest.mark.parametrize("half", HALVES, ids=lambda half: half.HALF)
def test_every_way_of_spoiling_changes_the_page_and_keeps_it_a_page(half):
    drawn = Image.fromarray(half.page(SMALL, "1").pixels)
    for name, spoil in half.WAYS.items():
        given = drawn if half is tuning else np.asarray(drawn)
        spoilt = np.asarray(spoil(given, np.random.default_rng(1), 1.0))
        assert spoilt.dtype == np.uint8
        assert spoilt.ndim == 2
        is_changed = spoilt.shape != np.asarray(drawn).shape or (spoilt != np.asarray(drawn)).any()
        assert is_changed == (name not in {"clean", SMALL}), name


def test_both_halves_know_the_same_ways():
    assert tuple(tuning.WAYS) == tuple(held_out.WAYS) == pages.WAYS
    assert pages.WAYS[0] == pages.CLEAN


def test_pages_are_asked_for_in_every_way_and_direction_of_both_halves():
    assert len([*pages.spoilt(2, 1)]) == 2 * 2 * (len(pages.WAYS) + 3)
    assert len([*pages.lying(5, 1)]) == 40
    assert len([*pages.ruined(1, 1)]) == 2 * (len(pages.WAYS) - 1)


def test_a_turned_page_lies_clockwise():
    page = tuning.page(SMALL, "1")
    turned = page.turned(90)
    assert (turned.rotation, turned.spoilt_by) == (90, "turned 90")
    # The top left corner comes to lie top right.
    assert np.array_equal(turned.pixels[:, -1], page.pixels[0])


def test_a_page_is_written_with_its_resolution_and_in_one_bit_where_it_has_no_grey(tmp_path):
    page = tuning.page("fax", "1")
    page.write(tmp_path / "fax.png")
    with Image.open(tmp_path / "fax.png") as image:
        assert image.mode == "1"
        assert round(image.info["dpi"][0]) == page.dpi
        assert image.size == page.pixels.shape[::-1]


@pytest.mark.parametrize("script", scripts.SCRIPTS, ids=lambda script: script.name)
def test_a_script_is_drawn_or_says_what_is_missing(script):
    if why := scripts.missing(script):
        assert "typefaces" in why or "tessdata" in why or "Raqm" in why
    else:
        page = scripts.page(script, "clean", "1")
        assert len(page.text) > 100
        assert script.spaced == (" " in page.text)


@pytest.mark.parametrize("step", subjects.STEPS)
def test_a_step_that_is_left_out_is_one_the_reader_has(step):
    module, function, _ = subjects.STEPS[step]
    assert callable(getattr(module, function))


def test_a_receipt_s_text_keeps_its_commas_and_quotes(tmp_path):
    folder = tmp_path / "receipts"
    folder.mkdir()
    (folder / "001.jpg").write_bytes(b"")
    (folder / "001.boxes.csv").write_text('1,2,3,4,5,6,7,8,27, "JALAN"\n1,2,3,4,5,6,7,8,TOTAL\n')
    [(picture, text)] = receipts(tmp_path, 5)
    assert picture.name == "001.jpg"
    assert text == '27, "JALAN"\nTOTAL'
