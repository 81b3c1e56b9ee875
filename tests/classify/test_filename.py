"""A file's name may break a tie and nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from heron_grpc.classify.filename import TIE, named_category
from heron_grpc.classify.stages import Subject
from heron_grpc.domain.classification import StageState
from heron_grpc.domain.taxonomy import normalise_name
from stage_inputs import LETTERS, PACK, ChosenModel, classify, opinion, text_reading, uniform_but

NAMES = ["", "doc1.pdf", "bank_statement (2).pdf", "Invoice-2024_03.pdf", "my resume.docx", "w9.pdf", "tax/../id.png"]
LEAVES = [leaf for leaf in PACK.taxonomy.leaves if not leaf.startswith("meta")]


@given(
    leaves=st.lists(st.sampled_from(LEAVES), min_size=2, max_size=2, unique=True),
    best=st.floats(0.35, 0.9),
    gap=st.floats(TIE + 0.01, 0.3),
    names=st.lists(st.sampled_from(NAMES), min_size=2, max_size=2),
)
async def test_the_name_never_overrules_content(leaves: list[str], best: float, gap: float, names: list[str]) -> None:
    model = ChosenModel(uniform_but(**{leaves[0]: best, leaves[1]: min(best - gap, (1.0 - best) * 0.9)}))
    found = [await classify(Subject(text_reading(LETTERS), filename=name), model) for name in names]
    assert found[0].labels == found[1].labels
    assert found[0].decision is found[1].decision
    assert {opinion(verdict, "filename").weight for verdict in found} == {0.0}


@given(
    st.lists(st.sampled_from([*PACK.names, "of", "a", "2024", "bank", "tax", "-", "_", "."]), max_size=8).map(" ".join)
)
def test_a_category_is_named_where_its_longest_name_stands_as_whole_words(text: str) -> None:
    words = f" {normalise_name(text)} "
    names = [name for name in PACK.names if f" {name} " in words and not PACK.names[name].startswith("meta")]
    longest = {PACK.names[name] for name in names if len(name) == max(map(len, names))}
    assert named_category(text, PACK) == (longest.pop() if len(longest) == 1 else None)


async def test_the_name_breaks_a_tie_and_says_so() -> None:
    model = ChosenModel(uniform_but(invoice=0.40, receipt=0.37, w9=0.2))
    named = await classify(Subject(text_reading(LETTERS), filename="kassenbon receipt.jpg"), model)
    assert named.labels[0].category == "financial/receivable/receipt"
    detail = opinion(named, "filename").detail
    assert detail == "broke a tie between financial/receivable/invoice and financial/receivable/receipt"
    assert 0 < opinion(named, "filename").weight < 0.2
    nameless = await classify(Subject(text_reading(LETTERS), filename="scan.jpg"), model)
    assert nameless.labels[0].category == "financial/receivable/invoice"
    assert named.labels[1:] == nameless.labels[1:]


async def test_a_third_label_cannot_win_by_its_name() -> None:
    model = ChosenModel(uniform_but(invoice=0.40, receipt=0.37, w9=0.2))
    verdict = await classify(Subject(text_reading(LETTERS), filename="lease.pdf"), model)
    assert verdict.labels[0].category == "financial/receivable/invoice"
    assert opinion(verdict, "filename").detail == "not used: content decides"
    assert opinion(verdict, "filename").category == "legal/lease"


async def test_text_without_a_name_has_no_opinion() -> None:
    verdict = await classify(LETTERS, ChosenModel(uniform_but(invoice=0.9)))
    assert opinion(verdict, "filename").state is StageState.NOT_APPLICABLE
