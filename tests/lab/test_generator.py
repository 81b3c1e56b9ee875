"""Generated documents: every label, deterministic, sums that are right."""

import random
import subprocess
import sys

import pytest

from heron_grpc.lab.generator import Generator
from heron_grpc.lab.generator.layouts import load_layouts
from heron_grpc.lab.generator.ledgers import LEDGERS
from heron_grpc.lab.generator.template import expand
from heron_grpc.taxonomy.loader import load_taxonomies

# The stages before the model decide these.
NEED_NO_MODEL = {"meta/blank", "meta/unreadable"}
LAYOUTS = load_layouts()


@pytest.fixture(scope="module")
def generator() -> Generator:
    return Generator(LAYOUTS)


def test_every_leaf_of_the_taxonomy_has_at_least_four_layouts(generator):
    taxonomy = load_taxonomies()["taxonomies/default"].taxonomy
    assert set(generator.labels) == set(taxonomy.leaves) - NEED_NO_MODEL
    for label in generator.labels:
        assert sum(layout.label == label for layout in LAYOUTS) >= 4, label


def test_layout_ids_are_unique():
    assert len({layout.id for layout in LAYOUTS}) == len(LAYOUTS)


def test_the_same_seed_draws_the_same_documents_in_any_order(generator):
    first = [generator.draw(label, 5, 0) for label in generator.labels]
    again = [Generator(LAYOUTS).draw(label, 5, 0) for label in reversed(generator.labels)]
    assert first == again[::-1]
    assert [generator.draw(label, 6, 0).text for label in generator.labels] != [document.text for document in first]


def test_every_process_draws_the_same_documents():
    program = (
        "import hashlib\n"
        "from heron_grpc.lab.generator import Generator\n"
        "texts = [document.text for document in Generator().draw_all(6, 1)]\n"
        "print(hashlib.sha256(chr(0).join(texts).encode()).hexdigest())\n"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.id)
def test_a_layout_draws_text_without_leftover_markup(layout):
    generator = Generator([layout])
    for index in range(4):
        document = generator.draw(layout.label, 1, index)
        assert document.layout == layout.id
        assert document.text.strip()
        assert "{" not in document.text or layout.label == "meta/other"


def amounts(rows, name):
    return [row[name] for row in rows if isinstance(row[name], int)]


@pytest.mark.parametrize("seed", range(20))
def test_the_arithmetic_adds_up(seed):
    drawn = {name: ledger(random.Random(seed), ["thing"]) for name, ledger in LEDGERS.items()}
    items, account = drawn["items"], drawn["transactions"]
    assert sum(amounts(items.rows, "amount")) + items.values["tax"][0] == items.values["total"][0]
    balance = account.values["opening"][0]
    for row in account.rows:
        balance += row["amount"]
        assert balance == row["balance"]
    assert balance == account.values["closing"][0]
    assert sum(amounts(drawn["holdings"].rows, "amount")) == drawn["holdings"].values["total"][0]
    for row in zip(*drawn["accounts"].values.values(), strict=True):
        year = dict(zip(drawn["accounts"].values, row, strict=True))
        assert year["assets"] == year["liabilities"] + year["stock"] + year["retained"]
        assert year["closing_cash"] - year["opening_cash"] == year["change_cash"]
    pay = drawn["pay"].values
    assert pay["gross"][0] - pay["deductions"][0] == pay["net"][0]


class Facts:
    """Counts how often it is asked."""

    asked = 0

    def fact(self, name, argument="", *, fresh=False):
        self.asked += 1
        return f"{name}{argument}{self.asked if fresh else ''}"

    def table(self, name):
        return [{"cell": "a"}, {"cell": "b"}]


def test_templates_repeat_rows_choose_and_fill():
    text = expand("@rows {cell} [x|x]\n*2-2 {!n}\n[[a|a]b|ab] {name:9}", Facts(), random.Random(1)).text
    assert text.splitlines()[:2] == ["a x", "b x"]
    assert text.splitlines()[2] != text.splitlines()[3]
    assert text.splitlines()[4] == "ab name9"


def test_an_optional_line_stands_in_some_documents_only():
    drawn = {expand("? here", Facts(), random.Random(seed)).text for seed in range(30)}
    assert drawn == {"", "here"}


def test_what_was_filled_in_is_told_with_its_place():
    clean = expand("Dear {name}, {cell}\n@rows {cell}  {other}", Facts(), random.Random(1))
    told = [(field.name, clean.text[field.start : field.end], field.row) for field in clean.fields]
    assert told == [
        ("name", "name", None),
        ("cell", "cell", None),
        ("rows.cell", "a", 0),
        ("other", "other", None),
        ("rows.cell", "b", 1),
        ("other", "other", None),
    ]
