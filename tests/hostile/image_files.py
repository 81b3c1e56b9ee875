"""Pictures that swell, loop and lie."""

import io
import random
import struct
import zlib

from PIL import Image

from hostile.hostile_file import ODD, REFUSED, HostileFile, deflated

NOISE = random.Random(6).randbytes(20_000)


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(side: int, rows: bytes, *more: bytes, depth: int = 1, colour: int = 0) -> bytes:
    header = struct.pack(">IIBBBBB", side, side, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(more) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def drawn(kind: str, size: tuple[int, int] = (60, 40), mode: str = "RGB", **options: object) -> bytes:
    packed = io.BytesIO()
    Image.new(mode, size, 1 if mode in {"1", "L", "I;16", "F", "I"} else "white").save(packed, kind, **options)
    return packed.getvalue()


def tiff(*directories: tuple[int, list[tuple[int, int, int, int]], int]) -> bytes:
    """Directories as (offset, entries of tag, type, count and value, offset of the next)."""
    content = bytearray(b"II*\0\x08\0\0\0")
    for offset, entries, following in directories:
        packed = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries)
        content[offset:] = packed + struct.pack("<I", following)
    return bytes(content) + NOISE


SMALL = [
    (256, 4, 1, 8),
    (257, 4, 1, 8),
    (258, 3, 1, 8),
    (259, 3, 1, 1),
    (262, 3, 1, 1),
    (273, 4, 1, 8),
    (279, 4, 1, 64),
]
HUGE = [(256, 4, 1, 90_000), (257, 4, 1, 90_000), *SMALL[2:]]


def many_frames(count: int) -> bytes:
    frames = [Image.new("P", (30, 30), number % 250) for number in range(count)]
    packed = io.BytesIO()
    frames[0].save(packed, "GIF", save_all=True, append_images=frames[1:])
    return packed.getvalue()


def gif(side: int) -> bytes:
    return (
        b"GIF89a"
        + struct.pack("<HHBBB", side, side, 0, 0, 0)
        + b","
        + struct.pack("<HHHHB", 0, 0, side, side, 0)
        + b"\2"
        + NOISE
    )


def bmp(width: int, height: int) -> bytes:
    return (
        b"BM"
        + struct.pack("<IHHI", 54, 0, 0, 54)
        + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
        + NOISE
    )


def jpeg(width: int, height: int) -> bytes:
    frame = struct.pack(">BHHB", 8, height, width, 1) + b"\1\x11\0"
    return b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0\xff\xc0" + struct.pack(">H", len(frame) + 2) + frame + NOISE


def heif(brand: bytes) -> bytes:
    def box(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content) + 8) + kind + content

    meta = b"\0\0\0\0" + box(b"hdlr", bytes(8) + b"pict" + bytes(13)) + box(b"iloc", b"\0\0\0\0\x44\0\xff\xff" + NOISE)
    return box(b"ftyp", brand + bytes(4) + b"mif1" + brand) + box(b"meta", meta) + box(b"mdat", NOISE)


def comments(count: int) -> bytes:
    whole = drawn("JPEG")
    return whole[:2] + (b"\xff\xfe\xff\xff" + b"a" * 65_533) * count + whole[2:]


SQUARE = zlib.compress(b"\0" + b"\xff" * 8 + b"\0" * 63)
EXIF = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x12\x01\x03\0\xff\xff\xff\xff\x08\0\0\0" * 5000

IMAGE_FILES = (
    HostileFile("png_60000_square", lambda: png(60_000, deflated(b"\0", 20)), REFUSED),
    HostileFile("png_row_bomb", lambda: png(8, deflated(b"\0", 200)), ODD),
    HostileFile("png_size_lie", lambda: png(9_000, SQUARE), ODD),
    HostileFile("png_text_bomb", lambda: png(8, SQUARE, chunk(b"zTXt", b"k\0\0" + deflated(b"A", 150))), ODD),
    HostileFile("png_itxt_flood", lambda: png(8, SQUARE, chunk(b"iTXt", b"k\0\0\0\0\0" + b"a" * 900_000) * 60), ODD),
    HostileFile("png_profile_bomb", lambda: png(8, SQUARE, chunk(b"iCCP", b"k\0\0" + deflated(b"A", 150))), ODD),
    HostileFile("png_chunk_lie", lambda: png(8, SQUARE).replace(b"\0\0\0\rIHDR", b"\x7f\xff\xff\xffIHDR"), ODD),
    HostileFile("png_tiny_chunks", lambda: png(8, SQUARE, chunk(b"tEXt", b"k\0v") * 200_000), ODD),
    HostileFile("png_sixteen_bits", lambda: drawn("PNG", mode="I;16"), ODD),
    HostileFile("png_truncated", lambda: drawn("PNG", (900, 900))[:-300], ODD),
    HostileFile("png_no_pixels", lambda: png(0, SQUARE), ODD),
    HostileFile("jpeg_65535_square", lambda: jpeg(65_535, 65_535), REFUSED),
    HostileFile("jpeg_scan_garbage", lambda: drawn("JPEG", (400, 400))[:500] + NOISE, ODD),
    HostileFile("jpeg_comments", lambda: comments(400), ODD),
    HostileFile("jpeg_exif_lie", lambda: drawn("JPEG", exif=EXIF[:60_000]), ODD),
    HostileFile("jpeg_profile_garbage", lambda: drawn("JPEG", icc_profile=NOISE * 20), ODD),
    HostileFile("jpeg_cmyk", lambda: drawn("JPEG", mode="CMYK"), ODD),
    HostileFile("jpeg_header_alone", lambda: b"\xff\xd8\xff\xe0", ODD),
    HostileFile("gif_65535_square", lambda: gif(65_535), ODD),
    HostileFile("gif_many_frames", lambda: many_frames(3000), ODD),
    HostileFile("tiff_directory_loop", lambda: tiff((8, SMALL, 8)), ODD),
    HostileFile("tiff_directories_in_a_ring", lambda: tiff((8, SMALL, 200), (200, SMALL, 8)), ODD),
    HostileFile("tiff_90000_square", lambda: tiff((8, HUGE, 0)), ODD),
    HostileFile("tiff_count_lie", lambda: tiff((8, [(273, 4, 0xFFFFFFFF, 8), *SMALL], 0)), ODD),
    HostileFile("tiff_no_entries", lambda: tiff((8, [], 8)), ODD),
    HostileFile("tiff_floats", lambda: drawn("TIFF", mode="F"), ODD),
    HostileFile("bmp_huge", lambda: bmp(2_000_000_000, 2_000_000_000), ODD),
    HostileFile("bmp_upside_down", lambda: bmp(50_000, -2_147_483_648), ODD),
    HostileFile(
        "webp_lie", lambda: b"RIFF\xff\xff\xff\xffWEBPVP8X\n\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff" + NOISE, ODD
    ),
    HostileFile("heic_garbage", lambda: heif(b"heic"), ODD),
    HostileFile("avif_garbage", lambda: heif(b"avif"), ODD),
    HostileFile("svg_laughs", lambda: b'<?xml version="1.0"?><!DOCTYPE s [<!ENTITY a "aaaa">]><svg>&a;</svg>', ODD),
)
