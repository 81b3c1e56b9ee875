"""Characters of symbol fonts that say something in a text; all others are ornaments."""

# Checked and open boxes of the Wingdings fonts, which forms are filled in with.
_BOXES = {0xFE: "\u2612", 0xFD: "\u2612", 0xFC: "\u2713", 0xA8: "\u2610"}
_WINGDINGS = {**_BOXES, 0x6F: "\u2610", 0x71: "\u2610", 0x52: "\u2611"}
# Of the Symbol font: Alpha to Zeta at A to Z, in the order of its keys.
_UPPER = "\u0391\u0392\u03a7\u0394\u0395\u03a6\u0393\u0397\u0399\u03d1\u039a\u039b\u039c"
_UPPER += "\u039d\u039f\u03a0\u0398\u03a1\u03a3\u03a4\u03a5\u03c2\u03a9\u039e\u03a8\u0396"
_LOWER = "\u03b1\u03b2\u03c7\u03b4\u03b5\u03c6\u03b3\u03b7\u03b9\u03d5\u03ba\u03bb\u03bc"
_LOWER += "\u03bd\u03bf\u03c0\u03b8\u03c1\u03c3\u03c4\u03c5\u03d6\u03c9\u03be\u03c8\u03b6"
_SIGNS = {0xA3: "\u2264", 0xB0: "\xb0", 0xB1: "\xb1", 0xB3: "\u2265", 0xB4: "\xd7", 0xB7: "\u2022", 0xB9: "\u2260"}
_GREEK = {**dict(enumerate(_UPPER, ord("A"))), **dict(enumerate(_LOWER, ord("a"))), **_SIGNS}
# Of a font that is not named: what looks like nothing else in any of them.
_ANY = {**_BOXES, 0xB7: "\u2022"}
# For str.translate: the private use area such characters are kept in.
PRIVATE_USE = {0xF000 + code: _ANY.get(code) for code in range(256)}


def symbol(font: str, code: int) -> str:
    """What a character of a symbol font says, by its last eight bits; empty for an ornament."""
    code %= 0x100
    if font.startswith("Wingdings"):
        return _WINGDINGS.get(code, "")
    return (_GREEK if font == "Symbol" else _ANY).get(code, "")


def decoded_symbols(content: bytes) -> str:
    """Bytes in a font that is said to be one of symbols: letters are kept, as programs say so of other fonts too."""
    return "".join(chr(each) if each < 0x80 else _ANY.get(each, "") for each in content)
