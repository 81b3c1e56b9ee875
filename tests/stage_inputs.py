"""What the tests of the stages share: readings, a model whose answer a test chooses, the default pack."""

from dataclasses import dataclass, field

from heron_grpc.classify.stages import Subject, Verdict, classify_reading
from heron_grpc.domain.classification import ClassifyOptions, Prediction, StageOpinion, WordWeight
from heron_grpc.domain.document import Box, Page, Reading, TextSource, Word
from heron_grpc.settings import ClassifySettings
from heron_grpc.taxonomy import load_taxonomies

PACK = load_taxonomies()["taxonomies/default"]
SETTINGS = ClassifySettings()
W9_TEXT = "Form W-9\nRequest for Taxpayer Identification Number and Certification\nName of entity"
LETTERS = "a text of words that no rule and no heading knows, long enough for a model"


@dataclass
class ChosenModel:
    """Answers what the test chose and counts its calls."""

    probabilities: dict[str, float]
    novelty: float = 0.1
    words: tuple[WordWeight, ...] = ()
    calls: list[tuple[str, bool]] = field(default_factory=list)

    async def __call__(self, text: str, explain: bool) -> Prediction:
        self.calls.append((text, explain))
        return Prediction(
            self.probabilities, self.novelty, "models/chosen/versions/1", self.words if explain else (), 4, 0.5
        )


def uniform_but(**shares: float) -> dict[str, float]:
    """Every leaf known to the model: those named by alias get their share, the others the rest evenly."""
    named = {PACK.resolve(name) or name: share for name, share in shares.items()}
    rest = [leaf for leaf in PACK.taxonomy.leaves if leaf not in named]
    left = (1.0 - sum(named.values())) / len(rest)
    return {**dict.fromkeys(rest, left), **named}


def text_reading(text: str, **changes: object) -> Reading:
    return Reading("text/plain", (Page(1, text),), **changes)  # type: ignore[arg-type]


def worded_page(number: int, text: str, source: TextSource = TextSource.DIGITAL, confidence: float = 1.0) -> Page:
    """A page whose words lie on lines of a tenth of its height, a hundredth of its width a character."""
    words = []
    start = 0
    for row, line in enumerate(text.split("\n")):
        column = 0
        for token in line.split(" "):
            box = Box(column / 100, row / 10, (column + len(token)) / 100, row / 10 + 0.05)
            words.append(Word(start + column, start + column + len(token), box, confidence))
            column += len(token) + 1
        start += len(line) + 1
    return Page(number, text, 100, 100, tuple(words), source, ocr_confidence=confidence)


async def classify(subject: Subject | str, model: ChosenModel, options: ClassifyOptions | None = None) -> Verdict:
    if isinstance(subject, str):
        subject = Subject(text_reading(subject), is_file=False)
    return await classify_reading(subject, PACK, options or ClassifyOptions(), model, SETTINGS)


def opinion(verdict: Verdict, stage: str) -> StageOpinion:
    return next(one for one in verdict.stages if one.stage == stage)
