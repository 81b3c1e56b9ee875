import json
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.accuracy.ocr.measures import words
from benchmarks.peers.reading import known_files
from benchmarks.peers.reading.comparison import Answer, agreed, compared, is_dump
from heron_grpc.domain.document import OcrMode, ReadRequest
from heron_grpc.domain.steps import gather
from heron_grpc.reading.read_document import read_document
from heron_grpc.settings import ReadingSettings

STORY = known_files.Story(
    "offer", "Offer 7", ["A heron waits.", "It is still there."], [("Item", "Price"), ("Reed & rush", "12.50")]
)


def answer(text: str, cpu_s: float = 0.5) -> Answer:
    return Answer(words(text), "", cpu_s)


def readings(file: Path, *texts: str) -> dict[str, dict[Path, Answer]]:
    return {str(number): {file: answer(text)} for number, text in enumerate(texts)}


@pytest.fixture
def plain(tmp_path):
    path = tmp_path / "note.txt"
    path.write_text("a b")
    return path


def test_words_of_one_subject_alone_count_for_nobody(plain):
    assert agreed(readings(plain, "a b b", "a b c", "c d"), plain) == Counter("abc")


def test_who_hands_out_markup_as_it_is_has_no_say(tmp_path):
    page = tmp_path / "page.html"
    page.write_text("<p class='x'>heron <b>reed</b></p>")
    assert is_dump(page, answer(page.read_text()))
    assert not is_dump(page, answer("heron reed"))
    assert agreed(readings(page, "heron reed", "heron", page.read_text()), page) == Counter({"heron": 1})


def test_plain_text_as_it_is_has_a_say(plain):
    assert not is_dump(plain, answer("a b"))


def test_a_row_tells_shares_and_speed(plain):
    row = compared({plain: answer("a b x")}, {plain: Counter("abcd")})
    assert row["found"] == 0.5
    assert row["junk"] == pytest.approx(1 / 3, abs=1e-3)
    assert (row["errors"], row["empty"], row["documents_per_cpu_s"]) == (0, 0, 2.0)


@pytest.mark.parametrize("suffix", known_files.WRITERS)
def test_a_known_file_says_all_its_words_to_the_service_s_reader(suffix, tmp_path):
    path = tmp_path / f"offer{suffix}"
    path.write_bytes(known_files.WRITERS[suffix](STORY))
    reading = gather(read_document(ReadRequest(str(path), path.name, OcrMode.NEVER), ReadingSettings()))
    assert not known_files.words_of(STORY, suffix) - words(reading.text)


def test_stories_are_the_same_for_a_seed():
    assert known_files.make_story(1, 2) == known_files.make_story(1, 2) != known_files.make_story(2, 2)
    json.dumps(known_files.make_story(1, 2).rows)
