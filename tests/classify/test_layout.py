"""The layout stage: it speaks for what it knows, only when sure, never too loud, and only from files it can trust."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.stage_inputs import LETTERS, PACK, ChosenModel, classify, opinion, text_reading, uniform_but

from heron_grpc.classify.layout import (
    LAYOUT,
    MOST_LOG_ODDS,
    Family,
    LayoutModel,
    load_layout_model,
    read_layout,
)
from heron_grpc.classify.manifest import FILE_NAME
from heron_grpc.classify.stages import Subject
from heron_grpc.domain.classification import StageState
from heron_grpc.domain.document import LOOK_LENGTH, PageLook
from heron_grpc.domain.errors import ModelFileRefused
from heron_grpc.lab.generator import Generator
from heron_grpc.lab.layout_pages import see
from heron_grpc.lab.train_layout import IDENTITY, PROSE
from heron_grpc.settings import ReadingSettings, ServingSettings

CARD = Family("card", ("identity/drivers_license", "insurance/health_card"), 0.5, 0.8)
REST = Family("rest", (), 0.5)
SHIPPED = ServingSettings().models_dir


def by_shape(*families: Family) -> LayoutModel:
    """Its first family is what is wide, the second what is tall."""
    hidden = np.zeros((LOOK_LENGTH, 2))
    hidden[0] = (1.0, -1.0)
    zeros, ones = np.zeros(LOOK_LENGTH), np.ones(LOOK_LENGTH)
    return LayoutModel(
        "models/layout/versions/1", families, zeros, ones, hidden, np.zeros(2), np.eye(2) * 3, np.zeros(2)
    )


def shaped(shape: float) -> PageLook:
    return PageLook((shape, *[0.0] * (LOOK_LENGTH - 1)))


async def test_a_look_decides_between_labels_that_the_text_leaves_open():
    reading = text_reading(LETTERS)
    model = ChosenModel(uniform_but(drivers_license=0.45, receipt=0.5))
    blind = await classify(Subject(reading, layout=by_shape(CARD, REST)), model)
    seen = await classify(Subject(replace(reading, look=shaped(1.0)), layout=by_shape(CARD, REST)), model)
    assert blind.plausible[0] == "financial/receivable/receipt"
    assert opinion(blind, LAYOUT).state is StageState.NOT_APPLICABLE
    assert seen.labels[0].category == "identity/drivers_license"
    assert opinion(seen, LAYOUT).weight > 0


@pytest.mark.parametrize(("shape", "speaks"), [(3.0, True), (0.5, True), (0.4, False), (-3.0, False)])
def test_it_speaks_from_its_threshold_on_and_never_louder_than_a_heading(shape, speaks):
    found = read_layout(replace(text_reading(""), look=shaped(shape)), by_shape(CARD, REST), PACK.taxonomy)
    assert found.state is StageState.COMPLETED
    assert set(found.log_odds) == (set(CARD.categories) if speaks else set())
    assert all(0 < worth <= MOST_LOG_ODDS for worth in found.log_odds.values())


def test_without_a_model_the_stage_is_off_and_a_mute_family_says_nothing():
    reading = replace(text_reading(""), look=shaped(3.0))
    assert read_layout(reading, None, PACK.taxonomy).state is StageState.SKIPPED
    mute = by_shape(replace(CARD, speaks_from=None), REST)
    assert not read_layout(reading, mute, PACK.taxonomy).log_odds
    unknown = by_shape(replace(CARD, categories=("no/such",)), REST)
    assert not read_layout(reading, unknown, PACK.taxonomy).log_odds


def test_the_shipped_specialist_tells_cards_from_letters_it_never_saw():
    model = load_layout_model(SHIPPED)
    names = [family.name for family in model.families]
    generator, settings = Generator(), ReadingSettings()

    def mean(label: str, family: str, of: str) -> float:
        pages = [see(generator.draw(label, 77, index), family, settings) for index in range(8)]
        return float(np.mean([model.probabilities(page.look)[names.index(of)] for page in pages if page]))

    cards = mean("identity/drivers_license", IDENTITY, IDENTITY)
    letters = mean("correspondence/letter", PROSE, IDENTITY)
    assert cards > 0.7
    assert letters < 0.1


@pytest.mark.parametrize("damage", ["weights", "families", "kind"])
def test_files_that_are_not_those_of_the_manifest_are_refused(tmp_path: Path, damage: str):
    assert load_layout_model(tmp_path) is None
    copy = shutil.copytree(SHIPPED / LAYOUT, tmp_path / LAYOUT)
    if damage == "weights":
        (copy / "weights.npz").write_bytes(b"PK" + bytes(100))
    elif damage == "families":
        (copy / "families.json").write_text('{"families": []}')
    else:
        content = json.loads((copy / FILE_NAME).read_text())
        (copy / FILE_NAME).write_text(json.dumps(content | {"kind": "decision"}))
    with pytest.raises(ModelFileRefused):
        load_layout_model(tmp_path)
