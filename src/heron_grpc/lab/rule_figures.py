"""How often each rule holds of labelled documents and how often it is right; what it takes to decide alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from heron_grpc.classify.metadata import STAGE as METADATA
from heron_grpc.classify.rules import MATCHED, is_decisive, rule_book
from heron_grpc.classify.rules import STAGE as RULES
from heron_grpc.classify.stages import MODEL
from heron_grpc.domain.classification import StageState
from heron_grpc.domain.taxonomy import MetadataRule, Rule, TaxonomyPack
from heron_grpc.lab.labelled_texts import LabelledText
from heron_grpc.lab.measures import Judged, Share, wilson
from heron_grpc.lab.stage_figures import is_within

# A rule that is right less often where it decides alone has to leave that to the model and the other stages.
LEAST_DECISIVE_PRECISION = 0.98

# A document's label; the names of the rules that hold of it, and whether they decide it alone.
_Held = tuple[str, Mapping[str, bool]]


@dataclass(frozen=True, slots=True)
class RuleFigures:
    """A rule's precision, and that of the documents it would decide alone; shares of 0 documents say nothing."""

    rule: str
    category: str
    # Whether the taxonomy lets it decide alone.
    decisive: bool
    # Of the documents it holds of; right are those below the rule's category, or the others if it speaks against that.
    precision: Share
    # Of those among them that it decides alone.
    deciding: Share

    @property
    def must_not_decide(self) -> bool:
        """Whether it decides alone and is too often wrong."""
        return self.deciding.documents > 0 and self.deciding.value < LEAST_DECISIVE_PRECISION


def rules_of_texts(pack: TaxonomyPack, texts: Sequence[LabelledText]) -> tuple[RuleFigures, ...]:
    """Every rule of the taxonomy, in its order, on texts, which have no metadata. CPU only."""
    book = rule_book(pack)
    return _figures(
        pack,
        (
            (text.label, {rule.name: is_decisive(rule, spans) for rule, spans in book.matched(text.text)})
            for text in texts
        ),
    )


def rules_of_answers(pack: TaxonomyPack, rows: Sequence[Judged]) -> tuple[RuleFigures, ...]:
    """The same of documents a service has answered, by what its stages tell of themselves."""
    decisive = {rule.name for rule in _rules(pack) if rule.decisive}
    return _figures(pack, (_told(row, decisive) for row in rows))


def _told(row: Judged, decisive: set[str]) -> _Held:
    details = [opinion.detail for opinion in row.opinions if opinion.stage in {METADATA, RULES}]
    # What a stage tells besides its rules comes after them.
    lists = [detail.removeprefix(MATCHED).partition(";")[0] for detail in details if detail.startswith(MATCHED)]
    # A service that was sure by its rules did not ask the model.
    settled = any(opinion.stage == MODEL and opinion.state is StageState.SKIPPED for opinion in row.opinions)
    return row.truth, {name: settled and name in decisive for names in lists for name in names.split(", ")}


def _figures(pack: TaxonomyPack, documents: Iterable[_Held]) -> tuple[RuleFigures, ...]:
    held: dict[str, list[str]] = {}
    decided: dict[str, list[str]] = {}
    for label, rules in documents:
        for name, decides in rules.items():
            held.setdefault(name, []).append(label)
            if decides:
                decided.setdefault(name, []).append(label)
    return tuple(
        RuleFigures(
            rule.name,
            rule.category,
            rule.decisive,
            _precision(held.get(rule.name, []), rule.category, against=rule.weight < 0),
            _precision(decided.get(rule.name, []), rule.category, against=rule.weight < 0),
        )
        for rule in _rules(pack)
    )


def _rules(pack: TaxonomyPack) -> tuple[Rule | MetadataRule, ...]:
    return (*pack.rules, *pack.metadata_rules)


def _precision(labels: Sequence[str], category: str, *, against: bool) -> Share:
    return wilson(sum(is_within(label, category) != against for label in labels), len(labels))
