"""Draws documents of every label, deterministic by seed."""

from collections.abc import Collection, Iterator
from functools import cache
from random import Random

from faker import Faker

from heron_grpc.lab.generator.document import GeneratedDocument
from heron_grpc.lab.generator.facts import Facts
from heron_grpc.lab.generator.formats import pick_locale
from heron_grpc.lab.generator.layouts import Layout, load_layouts
from heron_grpc.lab.generator.noise import wear
from heron_grpc.lab.generator.template import expand
from heron_grpc.lab.generator.vocabulary import Vocabulary

# Cards, receipts and pictures mostly come as photos; other papers are scanned now and then.
_PHOTOGRAPHED = ("identity/", "financial/receivable/receipt", "insurance/health_card", "meta/not_a_document")
_PHOTO_SHARE, _SCAN_SHARE = 0.7, 0.3
# What arrives most often is drawn twice as often.
_COMMON_FACTOR = 2
_COMMON = (
    "financial/statement/",
    "financial/receivable/invoice",
    "financial/receivable/receipt",
    "financial/report/balance_sheet",
    "financial/report/income_statement",
    "financial/bill/utility_bill",
    "identity/drivers_license",
    "identity/passport",
    "insurance/policy",
    "legal/contract",
    "legal/lease",
    "hr/payslip",
    "hr/resume",
    "correspondence/",
    "meta/",
)
# English is what most documents come in.
_ENGLISH_WEIGHT = 4


class Generator:
    """All layouts, or some of them, and what is needed to draw from them."""

    def __init__(self, layouts: Collection[Layout] | None = None) -> None:
        self._layouts = tuple(load_layouts() if layouts is None else layouts)
        self._vocabulary = Vocabulary.load()

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels that have a layout, sorted."""
        return tuple(sorted({layout.label for layout in self._layouts}))

    def draw(self, label: str, seed: int, index: int) -> GeneratedDocument:
        """The document number `index` of a label. Raises KeyError when a layout asks for what does not exist."""
        key = f"{seed}/{label}/{index}"
        random = Random(key)  # noqa: S311 - draws samples, guards nothing
        layout = self._pick(label, random)
        locale = pick_locale(layout.language, random)
        faker = _faker(locale.name)
        faker.seed_instance(key)
        clean = expand(layout.template, Facts(random, locale, faker, self._vocabulary), random)
        scanned = _PHOTO_SHARE if label.startswith(_PHOTOGRAPHED) else _SCAN_SHARE
        text = wear(clean.text, random, scanned=scanned)
        return GeneratedDocument(label, text, layout.language, layout.id, key, clean)

    def draw_all(self, per_label: int, seed: int) -> Iterator[GeneratedDocument]:
        """So many documents of every label, and more of the common ones."""
        for label in self.labels:
            for index in range(per_label * (_COMMON_FACTOR if label.startswith(_COMMON) else 1)):
                yield self.draw(label, seed, index)

    def _pick(self, label: str, random: Random) -> Layout:
        layouts = [layout for layout in self._layouts if layout.label == label]
        weights = [_ENGLISH_WEIGHT if layout.language == "en" else 1 for layout in layouts]
        return random.choices(layouts, weights)[0]


@cache
def _faker(locale: str) -> Faker:
    return Faker(locale)
