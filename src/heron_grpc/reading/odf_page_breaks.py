"""Which styles of an OpenDocument file break pages (ODF 1.3 part 3)."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from lxml import etree

from heron_grpc.reading.odf_story import STYLE

_FO = "{urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0}"
_BREAKS = frozenset({"page", "even-page", "odd-page"})
# As deep as styles are followed to what they are based on.
_MOST_BASES = 10


def page_breaks(*roots: etree._Element | None) -> tuple[frozenset[str], frozenset[str]]:
    """Names of the styles that break the page before and after what has them."""
    styles = {
        (style.get(f"{STYLE}family"), style.get(f"{STYLE}name", "")): style
        for style in chain.from_iterable(root.iter(f"{STYLE}style") for root in roots if root is not None)
    }
    found: tuple[set[str], set[str]] = set(), set()
    for family, name in styles:
        bases = list(_with_bases(styles, family, name))
        if _property(bases, "break-before") in _BREAKS or _page_kind(bases):
            found[0].add(name)
        if _property(bases, "break-after") in _BREAKS:
            found[1].add(name)
    return frozenset(found[0]), frozenset(found[1])


def _with_bases(
    styles: Mapping[tuple[str | None, str], etree._Element], family: str | None, name: str
) -> Iterator[etree._Element]:
    """The style, what it is based on, and so on."""
    for _ in range(_MOST_BASES):
        style = styles.get((family, name))
        if style is None:
            return
        yield style
        name = style.get(f"{STYLE}parent-style-name", "")


def _property(styles: Sequence[etree._Element], name: str) -> str:
    """As the first of the styles that says something about it has it."""
    for style in styles:
        for properties in style.iterchildren(f"{STYLE}paragraph-properties", f"{STYLE}table-properties"):
            if value := properties.get(_FO + name):
                return str(value)
    return ""


def _page_kind(styles: Sequence[etree._Element]) -> str:
    """The kind of page that begins with what has the style; empty where none does."""
    kinds = (style.get(f"{STYLE}master-page-name") for style in styles)
    return next((kind for kind in kinds if kind is not None), "")
