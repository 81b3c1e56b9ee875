"""The layout specialist's training: pages of every way and family, judged by layout, into files the service loads."""

from datetime import date

import numpy as np
import pytest
from tests.stage_inputs import PACK

from heron_grpc.classify.layout import load_layout_model
from heron_grpc.classify.manifest import load_manifest
from heron_grpc.domain.document import LOOK_LENGTH
from heron_grpc.lab.layout_pages import PDF, PHOTO, SCAN
from heron_grpc.lab.train_layout import (
    IDENTITY,
    OTHER,
    LayoutOptions,
    LayoutPages,
    draw_pages,
    family_of,
    train_layout,
    voices,
)

OPTIONS = LayoutOptions(per_family=20, folds=2, copies=1, networks=2, least_pages=3)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    directory = tmp_path_factory.mktemp("models")
    return directory, train_layout(directory, PACK, date(2026, 1, 1), OPTIONS, 1, lambda _: None)


def test_a_trained_specialist_is_one_the_service_loads_with_figures_of_unseen_layouts(trained):
    directory, manifest = trained
    model = load_layout_model(directory)
    assert load_manifest(directory / "layout") == manifest
    assert manifest.figure("unseen_accuracy").value > 1.5 / len(model.families)
    assert {f"unseen_accuracy of {way}" for way in (PDF, SCAN, PHOTO)} <= {one.name for one in manifest.figures}
    spoken = {leaf for family in model.families for leaf in family.categories}
    assert all(PACK.taxonomy.open_leaves_below.get(category) for category in spoken)


def test_pages_are_the_same_each_time_whatever_draws_them():
    few = LayoutOptions(per_family=2)
    alone, together = (draw_pages(few, workers, lambda _: None) for workers in (1, 2))
    assert alone.looks.shape[1] == LOOK_LENGTH
    assert [page.look for page in alone.pages] == [page.look for page in together.pages]
    assert {alone.names[at] for at in alone.truth} == set(alone.names)


def test_a_label_belongs_to_the_longest_beginning_that_is_named():
    assert family_of("identity/passport") == IDENTITY
    assert family_of("financial/receivable/invoice") == OTHER


def test_a_family_speaks_only_from_where_it_is_precise_and_other_never():
    data = LayoutPages(np.zeros((6, 1)), np.array([1, 1, 1, 0, 1, 0]), (OTHER, IDENTITY), ())
    unseen = np.array([[1 - p, p] for p in (0.95, 0.9, 0.85, 0.8, 0.7, 0.2)])
    other, identity = voices(data, unseen, LayoutOptions(precision=0.9, least_pages=3))
    assert (other.speaks_from, identity.speaks_from) == (None, 0.85)
    assert voices(data, unseen, LayoutOptions(precision=0.9, least_pages=4))[1].speaks_from is None
