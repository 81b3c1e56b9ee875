"""Pages drawn: upright, within the size asked for, in every format, and refused where there is nothing to see."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from heron_grpc.domain.document import Page, Part, PictureFormat, PictureRequest, ReadRequest
from heron_grpc.domain.errors import (
    CorruptDocument,
    EncryptedDocument,
    NotFound,
    ReadingLimitExceeded,
    UnsupportedMediaType,
)
from heron_grpc.domain.steps import Effort, Outlook, Picture, Piece, Step
from heron_grpc.reading.answer_frames import MOST_FRAME_BYTES, Assembly, encode_steps
from heron_grpc.reading.fulfil import fulfil
from heron_grpc.settings import ReadingSettings

Draw = Callable[..., tuple[Picture, Image.Image]]


def opened(steps: list[Step]) -> tuple[Picture, Image.Image]:
    [size] = [step for step in steps if isinstance(step, Picture)]
    image = Image.open(io.BytesIO(b"".join(step.data for step in steps if isinstance(step, Piece))))
    assert image.size == (size.width, size.height)
    return size, image


@pytest.fixture
def drawn() -> Draw:
    def _draw(path: Path, page: int = 1, max_side: int = 1600, **options: object) -> tuple[Picture, Image.Image]:
        form = options.pop("form", PictureFormat.PNG)
        settings = {key: options.pop(key) for key in list(options) if key in ReadingSettings.model_fields}
        request = ReadRequest(str(path), path.name, picture=PictureRequest(page, max_side, form), **options)
        return opened(list(fulfil(request, ReadingSettings(**settings))))

    return _draw


def half_dark(mode: str = "RGB", size: tuple[int, int] = (400, 200)) -> Image.Image:
    """Dark on the left."""
    image = Image.new("L", size, 255)
    image.paste(0, (0, 0, size[0] // 2, size[1]))
    return image.convert(mode)


def is_dark(image: Image.Image, x: float, y: float) -> bool:
    return image.convert("L").getpixel((int(x * image.width), int(y * image.height))) < 128


def test_a_page_of_a_pdf_is_drawn_as_large_as_wanted(drawn, mixed_pdf):
    size, image = drawn(mixed_pdf, 2, 500)
    assert (max(image.size), size.page_count) == (500, 2)
    assert image.width in {353, 354}
    assert drawn(mixed_pdf, 1, 2000)[1].height == 2000


@pytest.mark.parametrize("form", PictureFormat)
def test_every_form_is_what_it_says(drawn, text_pdf, form):
    assert drawn(text_pdf, form=form)[1].format == form.value.upper()


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".bmp", ".tif", ".gif"])
def test_images_are_not_enlarged(drawn, tmp_path, suffix):
    half_dark().save(tmp_path / f"a{suffix}")
    assert drawn(tmp_path / f"a{suffix}")[1].size == (400, 200)
    small = drawn(tmp_path / f"a{suffix}", max_side=100)[1]
    assert small.size == (100, 50)
    assert is_dark(small, 0.2, 0.5)
    assert not is_dark(small, 0.8, 0.5)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16", "I", "F", "CMYK"])
def test_pictures_of_any_depth_are_drawn(drawn, tmp_path, mode):
    image = half_dark("L").convert("I") if mode.startswith("I") else half_dark(mode)
    if mode == "I;16":
        image = image.point(lambda value: value * 257).convert("I;16")
    image.save(tmp_path / "a.tif")
    found = drawn(tmp_path / "a.tif")[1]
    assert is_dark(found, 0.2, 0.5)
    assert not is_dark(found, 0.8, 0.5)


def test_what_shows_through_is_white(drawn, tmp_path):
    Image.new("RGBA", (50, 50), (0, 0, 0, 0)).save(tmp_path / "a.png")
    assert not is_dark(drawn(tmp_path / "a.png", form=PictureFormat.JPEG)[1], 0.5, 0.5)


@pytest.mark.parametrize("suffix", [".jpg", ".tif", ".png", ".webp"])
def test_a_photo_is_upright(drawn, tmp_path, suffix):
    exif = Image.Exif()
    exif[0x0112] = 6
    half_dark().save(tmp_path / f"a{suffix}", exif=exif)
    found = drawn(tmp_path / f"a{suffix}")[1]
    assert found.size == (200, 400)
    assert is_dark(found, 0.5, 0.2)
    assert not is_dark(found, 0.5, 0.8)


def test_every_page_of_a_tiff_can_be_drawn(drawn, tmp_path):
    half_dark().save(tmp_path / "a.tif", save_all=True, append_images=[Image.new("RGB", (30, 60), "white")])
    size, image = drawn(tmp_path / "a.tif", 2)
    assert (size.page_count, image.size) == (2, (30, 60))
    with pytest.raises(NotFound) as caught:
        drawn(tmp_path / "a.tif", 3)
    assert caught.value.metadata["page_count"] == "2"


def test_an_animation_is_one_page(drawn, tmp_path):
    half_dark().save(tmp_path / "a.gif", save_all=True, append_images=[Image.new("RGB", (400, 200), "white")])
    assert drawn(tmp_path / "a.gif")[0].page_count == 1


def test_what_has_no_pages_to_look_at_is_refused(drawn, tmp_path, simple_docx):
    (tmp_path / "note.txt").write_text("A note")
    for path in (tmp_path / "note.txt", simple_docx):
        with pytest.raises(UnsupportedMediaType):
            drawn(path)


def test_a_locked_pdf_needs_its_password(drawn, encrypted_pdf):
    path = encrypted_pdf("sesame", "owner")
    assert drawn(path, password="sesame")[0].page_count == 1
    for password in ("", "wrong"):
        with pytest.raises(EncryptedDocument):
            drawn(path, password=password)


def test_a_damaged_image_is_refused(drawn, tmp_path):
    half_dark(size=(2000, 2000)).save(tmp_path / "a.png")
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:-200])
    with pytest.raises(CorruptDocument):
        drawn(tmp_path / "a.png")


def test_too_many_pixels_are_refused_before_they_are_decoded(drawn, tmp_path, bomb_png):
    (tmp_path / "bomb.png").write_bytes(bomb_png)
    with pytest.raises(ReadingLimitExceeded):
        drawn(tmp_path / "bomb.png")


async def test_a_child_draws_and_goes_on(make_pool, mixed_pdf):
    pool = make_pool()

    async def draw(page: int) -> list[Step]:
        request = ReadRequest(str(mixed_pdf), picture=PictureRequest(page, 300))
        return [step async for step in pool.stream(request)]

    assert opened(await draw(2))[0].page_count == 2
    with pytest.raises(NotFound):
        await draw(3)
    assert opened(await draw(1))[1].height == 300


def test_what_was_made_travels_whole_in_small_frames():
    steps = [Part(0, "image/png"), Outlook(3), Picture(30, 40, 5), Page(1, "x"), Piece(bytes(range(256)) * 2000)]
    frames = list(encode_steps([*steps, Effort(0.0)]))
    assert max(map(len, frames)) <= MOST_FRAME_BYTES
    assembly = Assembly()
    found = [step for frame in frames for step in assembly.add(frame)]
    assert [step for step in found if not isinstance(step, Piece | Effort)] == steps[:-1]
    assert b"".join(step.data for step in found if isinstance(step, Piece)) == steps[-1].data
