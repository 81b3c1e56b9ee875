"""Classify: text or inline bytes in, the answer in the contract's words out; all broken rules said at once."""

import hashlib

import grpc
import pytest

from fakes import INVOICE, MODEL_VERSION
from heron import HeronServiceError
from heron.v1 import classification_pb2
from heron_grpc.domain.document import Page, Reading
from heron_grpc.reading.pool import ReadOutcome

Options = classification_pb2.ClassifyOptions


def text_request(text: str, **options: object) -> classification_pb2.ClassifyRequest:
    return classification_pb2.ClassifyRequest(text=text, options=Options(**options))


def inline(data: bytes, filename: str = "", **options: object) -> classification_pb2.ClassifyRequest:
    content = classification_pb2.InlineContent(data=data, filename=filename)
    return classification_pb2.ClassifyRequest(content=content, options=Options(**options))


LONG_TEXT = "Please find below what we agreed upon and what remains to be paid by the end of the month. "


@pytest.mark.parametrize(("ocr", "chars"), [("AUTO", 8_000), ("ALWAYS", 0)])
async def test_scans_are_read_as_far_as_their_kind_needs_unless_all_is_asked_for(front, ocr, chars):
    await front.classification.Classify(inline(b"a scan", ocr=classification_pb2.OcrMode.Value(f"OCR_MODE_{ocr}")))
    assert front.pool.requests[0].enough_chars == chars


async def test_text_gets_its_label_parents_versions_and_facts(front):
    answer = (await front.classification.Classify(text_request(LONG_TEXT))).classification
    assert answer.decision == classification_pb2.DECISION_ACCEPTED
    assert [score.category for score in answer.labels] == [INVOICE, "financial/receivable", "financial"]
    assert [score.level for score in answer.labels] == [3, 2, 1]
    assert answer.labels[0].display_name == "Invoice"
    assert answer.plausible_categories[0] == INVOICE
    probabilities = [score.probability for score in answer.labels]
    assert probabilities == sorted(probabilities)
    assert answer.model_version == MODEL_VERSION
    assert answer.pipeline_version == front.pipeline.settings.pipeline_version
    assert (answer.taxonomy, answer.taxonomy_revision > 0) == ("taxonomies/default", True)
    assert answer.mime_type == "text/plain"
    assert answer.sha256 == hashlib.sha256(LONG_TEXT.encode()).hexdigest()
    assert (answer.stats.batch_size, answer.stats.pages, answer.stats.cache_hit) == (3, 1, False)
    assert answer.stats.queued.ToNanoseconds() == 125_000_000
    assert ",".join(stage.stage for stage in answer.stages) == "filename,metadata,text,ocr,rules,layout,model"


async def test_inline_bytes_reach_the_reader_whole_and_are_gone_afterwards(front, tmp_path):
    data = b"agreed upon and signed " * 1000
    answer = (await front.classification.Classify(inline(data, "a.txt"))).classification
    assert front.pool.seen == [data]
    assert front.pool.requests[0].filename == "a.txt"
    assert answer.sha256 == hashlib.sha256(data).hexdigest()
    assert answer.stats.queued.ToNanoseconds() == 375_000_000
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


async def test_the_same_question_again_is_answered_from_the_cache(front):
    first = (await front.classification.Classify(inline(LONG_TEXT.encode()))).classification
    second = (await front.classification.Classify(inline(LONG_TEXT.encode()))).classification
    assert (first.stats.cache_hit, second.stats.cache_hit) == (False, True)
    assert second.labels == first.labels
    assert second.stats.batch_size == 0
    assert second.create_time == first.create_time
    assert len(front.pool.requests) == 1


@pytest.mark.parametrize("changed", [{"bypass_cache": True}, {"exhaustive": True}, {"include_evidence": True}])
async def test_another_question_is_not_answered_from_the_cache(front, changed):
    await front.classification.Classify(inline(LONG_TEXT.encode()))
    answer = (await front.classification.Classify(inline(LONG_TEXT.encode(), **changed))).classification
    assert not answer.stats.cache_hit
    assert len(front.pool.requests) == 2


async def test_text_and_a_file_of_the_same_bytes_are_two_questions(front):
    await front.classification.Classify(text_request(LONG_TEXT))
    answer = (await front.classification.Classify(inline(LONG_TEXT.encode()))).classification
    assert not answer.stats.cache_hit
    assert len(front.pool.requests) == 1


async def test_without_a_cache_every_question_is_answered_anew(start_front):
    front = await start_front(cache=False)
    for _ in range(2):
        answer = (await front.classification.Classify(inline(LONG_TEXT.encode()))).classification
        assert not answer.stats.cache_hit
    assert len(front.pool.requests) == 2


async def test_an_answer_is_kept_for_the_model_that_gave_it(front):
    await front.classification.Classify(text_request(LONG_TEXT))
    front.model.model_version = "models/fake/versions/2"
    answer = (await front.classification.Classify(text_request(LONG_TEXT))).classification
    assert not answer.stats.cache_hit


async def test_an_answer_is_kept_by_what_was_asked_and_by_the_versions_of_all_that_answer(front):
    async def is_known(**options: str) -> bool:
        answer = (await front.classification.Classify(text_request(LONG_TEXT, **options))).classification
        return bool(answer.stats.cache_hit)

    assert [await is_known(), await is_known()] == [False, True]
    assert [await is_known(model="fake"), await is_known(model="fake")] == [False, True]
    front.model.members = ("models/other/versions/1",)
    assert [await is_known(), await is_known()] == [False, True]
    front.model.members = ("models/other/versions/2",)
    assert not await is_known()


async def test_the_model_stage_says_which_members_were_asked(front):
    front.model.members = ("models/quick/versions/1", "models/deep/versions/2")
    answer = (await front.classification.Classify(text_request(LONG_TEXT))).classification
    assert answer.stages[-1].detail.endswith("asked models/quick/versions/1 and models/deep/versions/2")


async def test_the_quick_member_of_a_cascade_is_asked_about_single_pages(front):
    front.model.members = ("models/quick/versions/1", "models/deep/versions/2")
    pages = f"{LONG_TEXT}\f{LONG_TEXT}"
    answer = (await front.classification.Classify(inline(pages.encode()))).classification
    assert front.model.asked == ["", "models/quick/versions/1", "models/quick/versions/1"]
    assert [(one.page, one.category) for one in answer.page_opinions] == [(1, INVOICE), (2, INVOICE)]
    assert answer.page_opinions[0].probability > 0.9


W9 = "Form W-9 Request for Taxpayer Identification Number and Certification. Department of the Treasury. " * 2


async def test_where_the_model_was_not_asked_its_facts_are_absent(front):
    answer = (await front.classification.Classify(text_request(W9))).classification
    assert front.model.texts == []
    assert answer.labels[0].category == "tax/w9"
    assert not answer.HasField("novelty")
    assert (answer.model_version, answer.stats.batch_size) == ("", 0)
    asked = (await front.classification.Classify(text_request(W9, exhaustive=True))).classification
    assert asked.HasField("novelty")
    assert front.model.texts == [W9]


@pytest.mark.parametrize(
    ("declared", "warned"),
    [
        ("application/pdf", True),
        ("image/jpg", True),
        ("", False),
        ("application/octet-stream", False),
        ("text/plain; charset=utf-8", False),
        ("text/markdown", False),
    ],
)
async def test_a_declared_type_that_is_not_what_the_bytes_are_is_a_warning(front, declared, warned):
    content = classification_pb2.InlineContent(data=LONG_TEXT.encode(), mime_type=declared)
    answer = (await front.classification.Classify(classification_pb2.ClassifyRequest(content=content))).classification
    assert ("MIME_TYPE_DIFFERS" in [warning.code for warning in answer.warnings]) is warned


async def test_another_name_is_another_question(front):
    await front.classification.Classify(inline(LONG_TEXT.encode(), "a.txt"))
    await front.classification.Classify(inline(LONG_TEXT.encode(), "b.txt"))
    assert len(front.pool.requests) == 2


async def violations_of(front, request) -> dict[str, str]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await front.classification.Classify(request)
    error = HeronServiceError(caught.value)
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")
    return dict(error.violations)


async def test_all_broken_rules_are_said_at_once(front):
    request = text_request(
        "  ",
        taxonomy="default",
        model="models/",
        max_scores=-2,
        min_score=1.5,
        ocr=77,
        languages=["not a language"],
        pages="3-1",
    )
    found = await violations_of(front, request)
    assert set(found) == {
        "text",
        *(f"options.{name}" for name in ("taxonomy", "model", "max_scores", "min_score", "ocr", "languages", "pages")),
    }
    assert front.pool.requests == []


async def test_a_request_without_a_source_is_refused(front):
    assert set(await violations_of(front, classification_pb2.ClassifyRequest())) == {"source"}


async def test_a_candidate_that_is_no_category_is_refused_before_the_document_is_read(front):
    found = await violations_of(front, inline(b"words", candidate_categories=["financial/nonsense"]))
    assert front.pool.requests == []
    assert set(found) == {"options.candidate_categories[0]"}


@pytest.mark.parametrize("filename", ["x" * 256, "ü" * 128, "a\nb.pdf", "a\0.pdf"])
async def test_a_file_name_too_long_or_with_control_characters_is_refused(front, filename):
    assert set(await violations_of(front, inline(b"words", filename))) == {"content.filename"}


@pytest.mark.parametrize(
    "filename",
    [
        "../../etc/passwd",
        "Rechnung März 2024 (Kopie).pdf",
        "发票.pdf",
        "a'b;c.pdf",
        "Shot 9.41\u202fAM.png",
        "a\u00a0b.pdf",
        "👩\u200d💻.pdf",
    ],
)
async def test_a_strange_file_name_is_only_a_name(front, filename):
    await front.classification.Classify(inline(b"some words about nothing", filename))
    assert front.pool.requests[0].filename == filename
    assert "passwd" not in front.pool.requests[0].path


async def test_text_beyond_the_limit_is_refused(start_front):
    front = await start_front(max_text_chars=10)
    assert set(await violations_of(front, text_request("x" * 11))) == {"text"}


@pytest.mark.parametrize("pages", ["1", "1-3,7", " 2 , 4-4 "])
async def test_page_ranges_reach_the_reader(front, pages):
    await front.classification.Classify(inline(b"words", pages=pages))
    ranges = front.pool.requests[0].page_ranges
    assert ranges == {"1": ((1, 1),), "1-3,7": ((1, 3), (7, 7)), " 2 , 4-4 ": ((2, 2), (4, 4))}[pages]


@pytest.mark.parametrize("pages", ["0", "1-", "a", "1,,2", "5-2", "1-3;4", "-1", "1," * 150 + "1"])
async def test_page_ranges_that_are_none_are_refused(front, pages):
    assert set(await violations_of(front, inline(b"words", pages=pages))) == {"options.pages"}


@pytest.mark.parametrize(
    ("options", "field"),
    [({"taxonomy": "taxonomies/absent"}, "options.taxonomy"), ({"model": "models/absent"}, "options.model")],
)
async def test_a_taxonomy_or_model_that_is_not_there_is_not_found(front, options, field):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await front.classification.Classify(text_request(LONG_TEXT, **options))
    error = HeronServiceError(caught.value)
    assert (error.code, error.metadata["field"]) == (grpc.StatusCode.NOT_FOUND, field)


@pytest.mark.parametrize("model", ["auto", "fake", "models/fake", MODEL_VERSION])
async def test_the_model_served_can_be_named(front, model):
    await front.classification.Classify(text_request(LONG_TEXT, model=model))
    assert front.model.asked == [model]


async def test_scores_obey_their_floor_and_their_number(front):
    answer = (await front.classification.Classify(text_request(LONG_TEXT, max_scores=2))).classification
    assert len(answer.scores) == 2
    answer = (await front.classification.Classify(text_request(LONG_TEXT, max_scores=-1))).classification
    assert not answer.scores
    answer = (await front.classification.Classify(text_request(LONG_TEXT, min_score=0.5))).classification
    assert answer.scores
    assert all(score.probability >= 0.5 for score in answer.scores)


async def test_a_password_opens_the_document_and_its_answer_is_for_nobody_else(front):
    def asked(password: str) -> classification_pb2.ClassifyRequest:
        content = classification_pb2.InlineContent(data=b"locked words", filename="a.pdf", password=password)
        return classification_pb2.ClassifyRequest(content=content)

    for password in ("sesame", "sesame", "wrong", ""):
        answer = await front.classification.Classify(asked(password))
        assert not answer.classification.stats.cache_hit
    await front.upload(
        classification_pb2.ClassifyUploadStart(header=classification_pb2.UploadHeader(password="of the upload")), b"x"
    )
    assert [request.password for request in front.pool.requests] == ["sesame", "sesame", "wrong", "", "of the upload"]
    assert (await front.classification.Classify(asked(""))).classification.stats.cache_hit


async def test_an_answer_names_the_languages_of_the_text(front):
    async def read(*_):
        pages = (
            Page(1, "a" * 300, language="en", language_confidence=1.0),
            Page(2, "b" * 600, language="de", language_confidence=0.8),
            Page(3, "c" * 10, language="fr", language_confidence=1.0),
        )
        return ReadOutcome(Reading("application/pdf", pages), queued_s=0.0, read_s=0.0)

    front.pool.read = read
    content = classification_pb2.InlineContent(data=b"words", filename="a.pdf")
    answer = await front.classification.Classify(classification_pb2.ClassifyRequest(content=content))
    found = [(score.language_code, round(score.confidence, 2)) for score in answer.classification.languages]
    assert found == [("de", 0.53), ("en", 0.33)]
