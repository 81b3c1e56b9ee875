"""What a document is, and why."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from heron_grpc.domain.document import Box, DocumentWarning, OcrMode
from heron_grpc.domain.languages import LanguageShare


class Decision(Enum):
    """What to do with an answer."""

    # Confident enough to act on.
    ACCEPTED = "accepted"
    # A label is given, but a person should look.
    NEEDS_REVIEW = "needs_review"
    # Like nothing in the taxonomy.
    UNKNOWN = "unknown"
    # The document holds nothing that could be read.
    UNREADABLE = "unreadable"


class StageState(Enum):
    """How a stage ended."""

    COMPLETED = "completed"
    # Not run: an earlier stage was sure enough, or the caller switched it off.
    SKIPPED = "skipped"
    # Does not fit this kind of document.
    NOT_APPLICABLE = "not_applicable"
    FAILED = "failed"
    TIMED_OUT = "timed_out"


@dataclass(frozen=True, slots=True)
class LabelScore:
    """A category and its calibrated probability, 0 to 1."""

    category: str
    probability: float


@dataclass(frozen=True, slots=True)
class Region:
    """A part of a page; `page` is 1-based."""

    page: int
    box: Box


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a stage believes something: the words it read and how much they counted."""

    stage: str
    category: str
    # Signed contribution in natural log-odds.
    weight: float
    # Empty, with start = end = 0, when the evidence is no text.
    quote: str = ""
    # Code points of the document text, half-open.
    start: int = 0
    end: int = 0
    regions: tuple[Region, ...] = ()


@dataclass(frozen=True, slots=True)
class StageOpinion:
    """What one stage alone would have said."""

    stage: str
    state: StageState
    # None when it had no opinion.
    category: str | None = None
    confidence: float | None = None
    # Share in the decision, 0 to 1.
    weight: float = 0.0
    duration_s: float = 0.0
    # Why it was skipped or failed, or what it found.
    detail: str = ""


@dataclass(frozen=True, slots=True)
class WordWeight:
    """A word of the text given to a model (code points, half-open) and its log-odds for the model's best label."""

    start: int
    end: int
    weight: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the model backend says of one text."""

    # Leaf category -> calibrated probability; adds up to 1.
    probabilities: dict[str, float]
    # How unlike the training texts this one is, 0 to 1.
    novelty: float
    # Resource name, e.g. "models/nb/versions/1".
    model_version: str
    # Strongest first; empty unless asked for.
    words: tuple[WordWeight, ...] = ()
    # Documents in the batch it travelled in.
    batch_size: int = 1
    # Seconds spent waiting for its turn.
    queued_s: float = 0.0
    # Resource names of the models that a model of models asked, in their order; empty for a model of its own.
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ClassifyOptions:
    """How to classify; the defaults are the deployment's."""

    taxonomy: str = ""
    # As asked for: empty or "auto" (the deployment's), a resource name, a model's or an alias's short name.
    model: str = ""
    # Most entries in `scores`; -1 means none.
    max_scores: int = 10
    min_score: float = 0.0
    candidate_categories: tuple[str, ...] = ()
    include_evidence: bool = False
    ocr: OcrMode = OcrMode.AUTO
    # BCP-47.
    languages: tuple[str, ...] = ()
    # 1-based inclusive ranges.
    page_ranges: tuple[tuple[int, int], ...] = ()
    exhaustive: bool = False
    bypass_cache: bool = False


@dataclass(frozen=True, slots=True)
class ProcessingStats:
    """Time, pages, cache and batch facts."""

    total_s: float = 0.0
    queued_s: float = 0.0
    pages: int = 0
    ocr_pages: int = 0
    cache_hit: bool = False
    # 0 when the model was not asked.
    batch_size: int = 0


@dataclass(frozen=True, slots=True)
class PageOpinion:
    """What a page would be if it were a document of its own."""

    # As in the reading.
    page: int
    # The likeliest leaf and its calibrated probability, 0 to 1.
    category: str
    probability: float
    # Decisive rules settled it on this page's words alone.
    settled: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a document is and why, as the stages decide it."""

    decision: Decision
    # Each label followed by all its parents; empty for UNKNOWN and UNREADABLE. A label with others below it is one of
    # those, but which is not sure.
    labels: tuple[LabelScore, ...]
    # Every level, best first.
    scores: tuple[LabelScore, ...]
    # Calibrated probability of the first label, or of the likeliest leaf where none is given, 0 to 1.
    confidence: float
    # 0 (like the training texts) to 1; None when the model did not run.
    novelty: float | None
    # With their shares in the decision, in the order they ran.
    stages: tuple[StageOpinion, ...]
    evidence: tuple[Evidence, ...]
    warnings: tuple[DocumentWarning, ...]
    # Empty, 0 and 0 when the model did not run.
    model_version: str = ""
    batch_size: int = 0
    queued_s: float = 0.0
    # Leaves, likeliest first, among which the true one is as often as the decision rule promises; none for UNREADABLE.
    plausible: tuple[str, ...] = ()
    # Of the first pages with text, where there are two or more; in the document's order.
    pages: tuple[PageOpinion, ...] = ()


@dataclass(frozen=True, slots=True)
class Classification:
    """The service's answer about one document."""

    verdict: Verdict
    pipeline_version: str
    taxonomy: str
    taxonomy_revision: int
    media_type: str
    # Lower-case hex of the bytes (of the UTF-8 text for text).
    sha256: str
    create_time: datetime
    stats: ProcessingStats
    # Of the document's text, most of it first.
    languages: tuple[LanguageShare, ...] = ()
