"""What a compound file says about itself: texts of its property set (MS-OLEPS 2.21), bounded.

olefile's own reading of it loops as often as damaged counts say, four billion times.
"""

# Identifiers in "\x05SummaryInformation" (MS-OLEPS 3.1.2), and those of texts among the types (2.15).
_NAMES = {
    2: "title",
    3: "subject",
    4: "author",
    5: "keywords",
    6: "comments",
    8: "last_modified_by",
    18: "application",
}
_CODE_PAGE, _BYTES, _WIDE = 1, 30, 31
_UTF_8, _UTF_16 = 65001, 1200
_MOST_PROPERTIES = 1_000
_LONGEST = 10_000


def summary(content: bytes) -> dict[str, str]:
    r"""Texts of the stream "\\x05SummaryInformation"; what is damaged is left out."""
    start = _number(content, 44)
    count = min(_number(content, start + 4), _MOST_PROPERTIES)
    places = {
        _number(content, at): start + _number(content, at + 4) for at in range(start + 8, start + 8 + 8 * count, 8)
    }
    page = int.from_bytes(content[places[_CODE_PAGE] + 4 :][:2], "little") if _CODE_PAGE in places else 0
    texts = {name: _text(content, places[key], page) for key, name in _NAMES.items() if key in places}
    return {name: text for name, text in texts.items() if text}


def _text(content: bytes, at: int, page: int) -> str:
    kind = _number(content, at)
    size = min(_number(content, at + 4), _LONGEST)
    if kind == _WIDE:
        return _decoded(content[at + 8 : at + 8 + 2 * size], "utf-16-le")
    if kind != _BYTES:
        return ""
    encoding = {_UTF_8: "utf-8", _UTF_16: "utf-16-le", 0: "cp1252"}.get(page, f"cp{page}")
    return _decoded(content[at + 8 : at + 8 + size], encoding)


def _decoded(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding, "replace").partition("\0")[0].strip()
    except LookupError:
        return data.decode("cp1252", "replace").partition("\0")[0].strip()


def _number(content: bytes, at: int) -> int:
    return int.from_bytes(content[at : at + 4], "little")
