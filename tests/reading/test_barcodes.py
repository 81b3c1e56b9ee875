"""Codes on page images: which kinds are told, and that nothing in them is kept."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import zxingcpp
from PIL import Image, ImageFilter

from heron_grpc.domain.document import OcrMode, Reading, ReadRequest
from heron_grpc.reading.ocr.barcodes import find_barcodes
from heron_grpc.reading.pool import ReadingPool

Draw = Callable[..., Image.Image]
Read = Callable[..., Reading]
PDF417, QR = zxingcpp.BarcodeFormat.PDF417, zxingcpp.BarcodeFormat.QRCode
# The standard's own sample, shortened; the second version of its header has no version of the jurisdiction.
LICENSE = (
    "@\n\x1e\rANSI 636000100102DL00410278ZV03190008DLDAQT64235789\nDCSSAMPLE\nDDEN\nDACMICHAEL\nDBB06061986\n"
    "DBA12102024\nDAG2300 WEST BROAD STREET\nDAIRICHMOND\nDAJVA\nDAK232690000  \n\rZVZVA01\r"
)
CARD = LICENSE.replace("DL0041", "ID0041").replace("DLDAQ", "IDDAQ")
OLD_CARD = "@\n\x1e\rAAMVA6360000101ID00290190IDDAQT64235789\nDAASAMPLE,MICHAEL\nDBB19860606\r"
BILL = (
    "SPC\r\n0200\r\n1\r\nCH4431999123000889012\r\nS\r\nMax Muster\r\nMusterstrasse\r\n123\r\n8000\r\nSeldwyla\r\nCH\r\n"
)
TRANSFER = "BCD\n002\n1\nSCT\nBFSWDE33BER\nWikimedia\nDE33100205000001194700\nEUR123.45\n"


def code(text: str, kind: zxingcpp.BarcodeFormat = QR, scale: int = 4) -> Image.Image:
    drawn = zxingcpp.write_barcode_to_image(zxingcpp.create_barcode(text, kind), scale=scale)
    return Image.fromarray(np.array(drawn))


def on_paper(*codes: Image.Image, size: tuple[int, int] = (1600, 1200)) -> Image.Image:
    page = Image.new("L", size, 240)
    top = 60
    for each in codes:
        page.paste(each, (80, top))
        top += each.height + 60
    return page


def kinds(image: Image.Image) -> set[str]:
    return set(find_barcodes(np.asarray(image, np.uint8)))


@pytest.mark.parametrize(
    ("text", "form", "kind"),
    [
        (LICENSE, PDF417, "aamva_driver_license"),
        (CARD, PDF417, "aamva_id_card"),
        (OLD_CARD, PDF417, "aamva_id_card"),
        (BILL, QR, "swiss_qr_bill"),
        (BILL.replace("\r\n", "\n"), QR, "swiss_qr_bill"),
        (TRANSFER, QR, "epc_qr"),
    ],
)
def test_codes_that_tell_are_known(text: str, form: zxingcpp.BarcodeFormat, kind: str) -> None:
    page = on_paper(code(text, form))
    assert kinds(page) == {kind}
    assert kinds(page.transpose(Image.Transpose.ROTATE_90)) == {kind}
    assert kinds(page.filter(ImageFilter.GaussianBlur(1.5))) == {kind}


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("https://example.com/pay?SPC=1", QR),
        ("SPC of 0200 grams", QR),
        # A bill's code with an account of another country, and one that is none.
        (BILL.replace("CH44", "DE44"), QR),
        ("BCD\n003\n9\nXYZ\n", QR),
        # A boarding pass.
        ("M1DESMARAIS/LUC       EABC123 YULFRAAC 0834 326J001A0025 100", PDF417),
        (LICENSE.replace("DL0041", "ZV0041"), PDF417),
        ("note: ANSI 636 is a committee", PDF417),
    ],
)
def test_other_codes_tell_nothing(text: str, form: zxingcpp.BarcodeFormat) -> None:
    page = on_paper(code(text, form))
    assert zxingcpp.read_barcodes(np.asarray(page)), "the code itself is readable"
    assert kinds(page) == set()


def test_several_codes_are_told_together_and_a_page_without_has_none(draw: Draw) -> None:
    assert kinds(on_paper(code(BILL), code(LICENSE, PDF417))) == {"swiss_qr_bill", "aamva_driver_license"}
    assert kinds(draw()) == set()


def test_a_large_photograph_is_searched_with_fewer_pixels() -> None:
    page = on_paper(code(LICENSE, PDF417, scale=7), size=(4000, 3000))
    assert kinds(page) == {"aamva_driver_license"}


def picture(draw: Draw, *codes: Image.Image) -> Image.Image:
    page = draw(size=(1600, 2000))
    for at, each in enumerate(codes):
        page.paste(each, (80, 800 + 500 * at))
    return page


def png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def test_kinds_are_metadata_of_the_whole_document_and_contents_are_nowhere(draw: Draw, read: Read) -> None:
    pages = [picture(draw, code(BILL)), picture(draw), picture(draw, code(LICENSE, PDF417))]
    file = io.BytesIO()
    pages[0].save(file, "TIFF", save_all=True, append_images=pages[1:])
    reading = read(file.getvalue())
    assert reading.metadata["barcodes"] == "aamva_driver_license, swiss_qr_bill"
    assert "SAMPLE" not in repr(reading)
    assert "Muster" not in repr(reading)


def test_no_codes_are_looked_for_where_no_text_is_recognised(draw: Draw, read: Read) -> None:
    content = png(picture(draw, code(BILL)))
    assert "barcodes" not in read(content, ocr=OcrMode.NEVER).metadata
    assert "barcodes" not in read(png(picture(draw))).metadata


async def test_codes_are_found_by_a_confined_child(
    make_pool: Callable[..., ReadingPool], draw: Draw, tmp_path: Path
) -> None:
    path = tmp_path / "card.png"
    path.write_bytes(png(picture(draw, code(LICENSE, PDF417))))
    outcome = await make_pool().read(ReadRequest(str(path)))
    assert outcome.reading.metadata["barcodes"] == "aamva_driver_license"
