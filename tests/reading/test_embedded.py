"""Documents inside documents: all of them are parts, within limits, and none spoils the others."""

import io
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heron_grpc.domain.document import DocumentWarning, Page, Part, Reading, Table
from heron_grpc.domain.errors import EncryptedDocument
from heron_grpc.domain.steps import Step, gather
from heron_grpc.reading.embedded import Embedded, Unpacked, read_embedded
from heron_grpc.reading.page_selection import select_pages
from heron_grpc.reading.reader import ReadOptions
from heron_grpc.settings import ReadingSettings

Read = Callable[..., Reading]
KIND = "text/plain"


def read_pages(path: str, name: str, options: ReadOptions) -> Iterator[Step]:
    """A document of as many pages as it has bytes."""
    size = len(Path(path).read_bytes())
    yield Part(options.part, KIND, name, options.container, size)
    numbers, warnings = select_pages(size, options)
    yield from warnings
    for number in numbers:
        yield Page(number, f"{name} {number}")
        yield Table(number, ((name,),))
    yield DocumentWarning("ENCODING_GUESSED", "a guess")
    yield DocumentWarning("PAGE_BLANK", "blank", "ocr", size)


def options_of(ranges: tuple[tuple[int, int], ...] = (), **limits: int) -> ReadOptions:
    return ReadOptions(KIND, ReadingSettings(**limits), read_pages, page_ranges=ranges)


def embedded(name: str, pages: int) -> Embedded:
    return Embedded(name, lambda: b"x" * pages)


def read_all(inside: list[Embedded | Unpacked], options: ReadOptions, own: int = 1) -> Reading:
    def steps() -> Iterator[Step]:
        yield Part(0, KIND)
        numbers, _ = select_pages(own, options)
        yield from (Page(number, "own") for number in numbers)
        yield from read_embedded(inside, own, options)

    return gather(steps())


def codes(reading: Reading) -> list[str]:
    return [warning.code for warning in reading.warnings]


def failing(error: BaseException) -> Embedded:
    def unpack() -> bytes:
        raise error

    return Embedded("broken", unpack)


def test_pages_tables_and_warnings_are_numbered_on() -> None:
    reading = read_all([embedded("a", 2), embedded("b", 1)], options_of())
    assert [(page.number, page.part, page.text) for page in reading.pages] == [
        (1, 0, "own"),
        (2, 1, "a 1"),
        (3, 1, "a 2"),
        (4, 2, "b 1"),
    ]
    assert [table.page for table in reading.tables] == [2, 3, 4]
    assert [(warning.page, warning.message) for warning in reading.warnings] == [
        (0, "part 1: a guess"),
        (3, "blank"),
        (0, "part 2: a guess"),
        (4, "blank"),
    ]


@pytest.mark.parametrize("wanted", [((2, 2),), ((4, 5),), ((1, 1), (7, 7)), ((9, 9),)])
def test_pages_have_the_same_numbers_in_a_reading_in_part(wanted: tuple[tuple[int, int], ...]) -> None:
    inside = [embedded("a", 3), embedded("b", 2), embedded("c", 2)]
    whole = {page.number: page for page in read_all(inside, options_of()).pages}
    part = read_all(inside, options_of(wanted))
    assert {page.number: page for page in part.pages} == {
        number: page for number, page in whole.items() if any(first <= number <= last for first, last in wanted)
    }
    assert len(part.parts) == 3


def test_the_limit_on_pages_is_one_for_all() -> None:
    reading = read_all([embedded("a", 3), embedded("b", 3)], options_of(max_pages=5))
    assert len(reading.pages) == 5
    assert "PAGES_LEFT_OUT" in codes(reading)


@pytest.mark.parametrize("error", [ValueError("odd"), RecursionError(), OSError(), EncryptedDocument("locked")])
def test_one_that_fails_is_a_part_with_a_reason(error: Exception) -> None:
    reading = read_all([embedded("a", 1), failing(error), embedded("b", 1)], options_of())
    assert [part.name for part in reading.parts] == ["a", "broken", "b"]
    assert [page.part for page in reading.pages] == [0, 1, 3]
    code = "PART_ENCRYPTED" if isinstance(error, EncryptedDocument) else "PART_UNREADABLE"
    assert [warning.message[:7] for warning in reading.warnings if warning.code == code] == ["part 2:"]
    assert "odd" not in str(reading.warnings)


def test_one_that_fails_midway_keeps_what_it_said() -> None:
    def read(options: ReadOptions) -> Iterator[Step]:
        yield Page(1, "read so far")
        raise ValueError

    reading = read_all([Unpacked("a", KIND, read), embedded("b", 1)], options_of())
    assert [(page.number, page.part) for page in reading.pages] == [(1, 0), (2, 1), (3, 2)]
    assert [part.name for part in reading.parts] == ["a", "b"]


def test_one_that_needs_too_much_memory_ends_the_reading() -> None:
    with pytest.raises(MemoryError):
        read_all([failing(MemoryError())], options_of())


def test_when_the_next_cannot_be_found_those_before_stay() -> None:
    def inside() -> Iterator[Embedded]:
        yield embedded("a", 1)
        raise ValueError

    reading = read_all(inside(), options_of())  # type: ignore[arg-type]
    assert [part.name for part in reading.parts] == ["a"]
    assert codes(reading)[-1] == "PARTS_LEFT_OUT"


@pytest.mark.parametrize("limits", [{"max_parts": 2}, {"max_part_depth": 0}])
def test_beyond_the_limits_nothing_is_unpacked(limits: dict[str, int]) -> None:
    read = read_all([embedded("a", 1), embedded("b", 1), failing(AssertionError())], options_of(**limits))
    assert len(read.parts) == limits.get("max_parts", 0)
    assert codes(read)[-1] == "PARTS_LEFT_OUT"


def test_one_larger_than_may_be_is_left_out_and_smaller_ones_are_not() -> None:
    large = Embedded("large", lambda: bytes((1 << 20) + 1))
    reading = read_all([large, embedded("b", 1)], options_of(max_expanded_mb=1))
    assert codes(reading) == ["PART_UNREADABLE", "ENCODING_GUESSED", "PAGE_BLANK"]


def in_memory() -> int:
    """Documents that this process holds unpacked."""
    links = []
    for each in Path("/proc/self/fd").iterdir():
        # The listing's own descriptor is gone by now.
        with suppress(OSError):
            links.append(str(each.readlink()))
    return sum("memfd:part" in link for link in links)


def test_each_is_unpacked_when_it_is_due_and_its_memory_given_back() -> None:
    held: list[int] = []

    def unpack() -> bytes:
        held.append(in_memory())
        return b"x"

    steps = read_embedded([Embedded("a", unpack) for _ in range(5)], 0, options_of())
    next(steps)
    assert (held, in_memory()) == ([0], 1)
    steps.close()
    assert in_memory() == 0
    list(read_embedded([Embedded("a", unpack) for _ in range(5)], 0, options_of()))
    assert (held, in_memory()) == ([0] * 6, 0)


def test_a_password_opens_what_is_inside_too(read: Read, encrypted_pdf: Callable[[str, str], object]) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("locked.pdf", encrypted_pdf("secret", "owner").read_bytes())  # type: ignore[attr-defined]
    assert codes(read(packed.getvalue())) == ["PART_ENCRYPTED"]
    assert "INVOICE number 4711" in read(packed.getvalue(), password="secret").text


def test_pages_are_out_of_range_only_when_no_part_has_them(read: Read) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.txt", "one\ftwo")
        archive.writestr("b.txt", "three\ffour")
    found = read(packed.getvalue(), page_ranges=((4, 4),))
    assert (found.text, codes(found)) == ("four", [])
    assert codes(read(packed.getvalue(), page_ranges=((4, 5),))) == ["PAGES_OUT_OF_RANGE"]


names = st.text(st.characters(categories=("L", "N"), max_codepoint=0x2FF), min_size=1, max_size=8)
# What lies in what: a file, or a mail or archive of such.
trees = st.recursive(
    st.just("file"),
    lambda inner: st.tuples(st.sampled_from(["mail", "zip"]), st.lists(inner, min_size=1, max_size=4)),
    max_leaves=12,
)


def build(tree: object, name: str, expected: list[str]) -> tuple[str, bytes]:
    """The document, its name added to what is expected before those inside it."""
    if tree == "file":
        expected.append(f"{name}.txt")
        return f"{name}.txt", f"The text of {name}".encode()
    kind, inside = tree  # type: ignore[misc]
    expected.append(f"{name}.{kind}")
    packed = [build(each, f"{name}-{at}", expected) for at, each in enumerate(inside)]
    return f"{name}.{kind}", zipped(packed) if kind == "zip" else mailed(packed)


def zipped(files: list[tuple[str, bytes]]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files:
            archive.writestr(name, content)
    return packed.getvalue()


def mailed(files: list[tuple[str, bytes]]) -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "ada@heron.example", "bo@heron.example", "x"
    message.set_content("A text")
    for name, content in files:
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=trees, name=names)
def test_no_attachment_is_lost(read: Read, tree: object, name: str) -> None:
    expected: list[str] = []
    _, content = build(("mail", [tree]), name, expected)
    reading = read(content, max_part_depth=20)
    assert sorted(part.name for part in reading.parts) == sorted(expected[1:])
    assert [page.number for page in reading.pages] == list(range(1, len(reading.pages) + 1))
    for part in reading.parts:
        if part.name.endswith(".txt"):
            assert [page.text for page in reading.pages if page.part == part.number] == [
                f"The text of {part.name[:-4]}"
            ]
