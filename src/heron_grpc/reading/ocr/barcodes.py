"""Which kinds of two-dimensional codes a page shows that tell what document it is; what stands in them is not kept."""

import math
import re

import cv2
import numpy as np
import zxingcpp

from heron_grpc.reading.ocr.view import Grey

# Other symbologies hold numbers of goods, tickets and parcels.
_SYMBOLOGIES = "PDF417,QRCode"
_KINDS = (
    # AAMVA DL/ID Card Design Standard 2020, annex D.12: issuer, versions and number of subfiles, then the first one's
    # type, place and length. Cards before 2000 say AAMVA for ANSI.
    (re.compile(r"(?:ANSI |AAMVA)\d{6}\d{4,6}DL\d{8}"), "aamva_driver_license"),
    (re.compile(r"(?:ANSI |AAMVA)\d{6}\d{4,6}ID\d{8}"), "aamva_id_card"),
    # Swiss Implementation Guidelines QR-bill 2.3, 4.2.2: type, version, coding, account.
    (re.compile(r"SPC\r?\n02\d\d\r?\n1\r?\n(?:CH|LI)\d\d"), "swiss_qr_bill"),
    # EPC069-12, 2.1: service tag, version, coding, identification.
    (re.compile(r"BCD\r?\n00[12]\r?\n[1-8]\r?\n(?:SCT|INST)\r?\n"), "epc_qr"),
)
# What a code begins with; the rest is personal.
_HEAD = 80
# A letter page at 300 dpi, which takes 40 ms; photographs of more are searched with fewer, as twice as many take thrice
# as long and what they show fills them.
_MOST_PIXELS, _FEWER_PIXELS = 9_000_000, 4_000_000


def find_barcodes(pixels: Grey) -> frozenset[str]:
    """Names of the kinds, none for codes that do not tell. Blocks; thread-safe."""
    # Made anew: kept, it would be reported as leaked when the process ends.
    formats = zxingcpp.barcode_formats_from_str(_SYMBOLOGIES)
    codes = zxingcpp.read_barcodes(
        _bounded(pixels), formats=formats, try_invert=False, text_mode=zxingcpp.TextMode.Plain
    )
    return frozenset(kind for code in codes for kind in _kinds(code.text[:_HEAD]))


def _bounded(pixels: Grey) -> Grey:
    if pixels.size <= _MOST_PIXELS:
        return pixels
    factor = math.sqrt(_FEWER_PIXELS / pixels.size)
    return np.asarray(cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8)


def _kinds(text: str) -> list[str]:
    return [kind for pattern, kind in _KINDS if pattern.search(text)]
