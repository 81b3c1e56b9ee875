"""docs/adding-a-label.md, followed to the letter."""

import re
from pathlib import Path

from heron_grpc.classify.stages import Subject, classify_reading
from heron_grpc.domain.classification import ClassifyOptions, Decision, Prediction
from heron_grpc.domain.document import Page, Reading
from heron_grpc.settings import ClassifySettings
from heron_grpc.taxonomy import load_taxonomies

RECIPE = (Path(__file__).parents[2] / "docs" / "adding-a-label.md").read_text(encoding="utf-8")


async def no_model(_text: str, _explain: bool) -> Prediction:
    raise AssertionError("a decisive rule needs no model")


async def test_the_recipe_adds_a_label_that_is_accepted_without_a_model(tmp_path: Path) -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", RECIPE, re.DOTALL)
    (tmp_path / "parking.yaml").write_text(re.sub(r"^ {3}", "", block, flags=re.MULTILINE), encoding="utf-8")
    settings = ClassifySettings(packs_dir=tmp_path)
    pack = load_taxonomies(settings.packs_dir)["taxonomies/default"]
    text = "CITY OF NORTHMERE\nPenalty Charge Notice 88\nVehicle registration\nmark: NM 771\nPay within 14 days"
    subject = Subject(Reading("text/plain", (Page(1, text),)), filename="receipt.txt")
    verdict = await classify_reading(subject, pack, ClassifyOptions(), no_model, settings)
    assert verdict.decision is Decision.ACCEPTED
    assert [label.category for label in verdict.labels] == [
        "financial/bill/parking_ticket",
        "financial/bill",
        "financial",
    ]
    assert pack.resolve("Strafzettel") == "financial/bill/parking_ticket"


def test_the_recipe_names_the_setting_that_exists() -> None:
    prefix = ClassifySettings.model_config["env_prefix"]
    for name in re.findall(rf"{prefix}(\w+)", RECIPE):
        assert name.lower() in ClassifySettings.model_fields
