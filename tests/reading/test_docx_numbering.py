"""Numbers of list paragraphs in Word documents: they are counted, not written."""

from collections.abc import Callable, Sequence

import pytest

from heron_grpc.domain.document import Reading
from office_files import paragraph, part, word

Read = Callable[..., Reading]
RELATED = {"rId1": ("numbering", "numbering.xml"), "rId2": ("styles", "styles.xml")}
OUTLINE = (("decimal", "%1."), ("lowerLetter", "%1.%2)"), ("lowerRoman", "(%3)"))


def level(at: int, kind: str, pattern: str, start: int = 1, more: str = "") -> str:
    inner = f'<w:start w:val="{start}"/><w:numFmt w:val="{kind}"/>{more}<w:lvlText w:val="{pattern}"/>'
    return f'<w:lvl w:ilvl="{at}">{inner}</w:lvl>'


def abstract(number: int, *levels: str) -> str:
    return f'<w:abstractNum w:abstractNumId="{number}">{"".join(levels)}</w:abstractNum>'


def num(number: int, of: int, overrides: str = "") -> str:
    return f'<w:num w:numId="{number}"><w:abstractNumId w:val="{of}"/>{overrides}</w:num>'


def outline(number: int = 0) -> str:
    return abstract(number, *(level(at, *each) for at, each in enumerate(OUTLINE)))


def listed(text: str, number: int = 1, at: int = 0) -> str:
    return paragraph(text, f'<w:numPr><w:ilvl w:val="{at}"/><w:numId w:val="{number}"/></w:numPr>')


def lines(read: Read, numbering: str, body: Sequence[str], styles: str = "") -> list[str]:
    parts = {"numbering.xml": part("numbering", numbering), "styles.xml": part("styles", styles)}
    return read(word("".join(body), parts, RELATED)).text.split("\n")


def test_levels_are_counted_and_begin_anew_below_a_higher_one(read: Read) -> None:
    body = [listed("a"), listed("b", at=1), listed("c", at=1), paragraph("between"), listed("d", at=2), listed("e")]
    body += [listed("f", at=1)]
    assert lines(read, outline() + num(1, 0), body) == [
        *("1. a", "1.a) b", "1.b) c", "between", "(i) d", "2. e", "2.a) f"),
    ]


@pytest.mark.parametrize(
    ("kind", "start", "shown"),
    [
        ("decimalZero", 9, "09"),
        ("upperLetter", 27, "AA"),
        ("upperRoman", 49, "XLIX"),
        ("lowerRoman", 4, "iv"),
        ("ordinal", 3, "3"),
    ],
)
def test_numbers_are_written_in_their_kind(read: Read, kind: str, start: int, shown: str) -> None:
    numbering = abstract(0, level(0, kind, "\u00a7 %1", start)) + num(1, 0)
    assert lines(read, numbering, [listed("a")]) == [f"\u00a7 {shown} a"]


def test_bullets_and_lists_that_are_none_are_no_text(read: Read) -> None:
    numbering = abstract(0, level(0, "bullet", "\uf0b7")) + num(1, 0)
    assert lines(read, numbering, [listed("a"), listed("b", 0), listed("c", 99)]) == ["a", "b", "c"]


def test_styles_number_what_they_style(read: Read) -> None:
    styles = (
        '<w:style w:styleId="Heading"><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr></w:style>'
        '<w:style w:styleId="Own"><w:basedOn w:val="Heading"/></w:style>'
    )
    body = [
        paragraph("a", '<w:pStyle w:val="Heading"/>'),
        paragraph("b", '<w:pStyle w:val="Own"/>'),
        paragraph("c", '<w:pStyle w:val="Own"/><w:numPr><w:ilvl w:val="1"/></w:numPr>'),
        paragraph("d", '<w:pStyle w:val="Own"/><w:numPr><w:numId w:val="0"/></w:numPr>'),
    ]
    assert lines(read, outline() + num(1, 0), body, styles) == ["1. a", "2. b", "2.a) c", "d"]


def test_lists_of_one_kind_go_on_where_the_other_stopped_unless_told_where_to_begin(read: Read) -> None:
    override = '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="5"/></w:lvlOverride>'
    numbering = outline() + outline(1) + num(1, 0) + num(2, 0) + num(3, 0, override) + num(4, 1)
    body = [listed("a"), listed("b", 2), listed("c", 3), listed("d", 3), listed("e", 4), listed("f", 1)]
    assert lines(read, numbering, body) == ["1. a", "2. b", "5. c", "6. d", "1. e", "7. f"]


def test_a_list_may_write_a_level_in_its_own_way(read: Read) -> None:
    override = f'<w:lvlOverride w:ilvl="1">{level(1, "decimal", "%1-%2")}</w:lvlOverride>'
    numbering = outline() + num(1, 0, override)
    assert lines(read, numbering, [listed("a"), listed("b", at=1), listed("c", at=2)]) == ["1. a", "1-1 b", "(i) c"]


def test_a_list_that_is_defined_by_a_style_is_the_one_that_defines_the_style(read: Read) -> None:
    linked = abstract(1, '<w:numStyleLink w:val="Clauses"/>')
    named = abstract(0, '<w:styleLink w:val="Clauses"/>', level(0, "decimal", "Clause %1"))
    assert lines(read, linked + named + num(1, 1) + num(2, 0), [listed("a"), listed("b", 2)]) == [
        "Clause 1 a",
        "Clause 2 b",
    ]


def test_legal_levels_are_written_in_digits(read: Read) -> None:
    numbering = abstract(0, level(0, "upperRoman", "Article %1"), level(1, "decimal", "%1.%2", more="<w:isLgl/>"))
    assert lines(read, numbering + num(1, 0), [listed("a"), listed("b", at=1)]) == ["Article I a", "1.1 b"]
