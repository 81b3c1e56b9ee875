"""The layout stage: what the look of the first page says where its text says little.

A small network over the numbers of a PageLook tells families of documents apart: cards, passports, receipts, cheques,
forms, tables of figures, prose. Only families it is right about, on layouts it never saw, get a voice, and only from
the probability on at which it is; it never speaks against anything.
"""

import io
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heron_grpc.classify.findings import Finding, no_finding, sigmoid
from heron_grpc.classify.manifest import load_manifest, read_verified
from heron_grpc.domain.classification import StageState
from heron_grpc.domain.document import LOOK_LENGTH, PageLook, Reading
from heron_grpc.domain.errors import ModelFileRefused
from heron_grpc.domain.taxonomy import Taxonomy

LAYOUT = "layout"
KIND = "layout"
WEIGHTS, FAMILIES = "weights.npz", "families.json"
ARRAYS = ("mean", "scale", "hidden", "hidden_bias", "weights", "bias")
# Natural log-odds at most: as much as a heading that is the name of a category.
MOST_LOG_ODDS = 2.0
# Share of what a page of generated layouts would be worth: real ones differ more from each other.
TRUST = 0.5
# Standard deviations beyond which a number says no more: unlike anything learned from.
MOST_UNUSUAL = 3.0

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Family:
    """Documents that look alike."""

    name: str
    # Leaves or inner categories that this look speaks for; none for what is only told apart from the others.
    categories: tuple[str, ...]
    # Probability the pages it was learned from have on average.
    share: float
    # Least probability at which it speaks; None for never.
    speaks_from: float | None = None


@dataclass(frozen=True, slots=True)
class LayoutModel:
    """Tells families apart by the look of a page: softmax(relu(usual @ hidden + hidden_bias) @ weights + bias).

    `usual` is (look - mean) / scale, no further than MOST_UNUSUAL from 0.
    """

    model_version: str
    families: tuple[Family, ...]
    # (LOOK_LENGTH,) each; `scale` is positive.
    mean: Floats
    scale: Floats
    # (LOOK_LENGTH, units) and (units,).
    hidden: Floats
    hidden_bias: Floats
    # (units, families) and (families,).
    weights: Floats
    bias: Floats

    def probabilities(self, look: PageLook) -> Floats:
        """Of the families, (families,), adding up to 1; some 20 us."""
        usual = np.clip((np.asarray(look.values) - self.mean) / self.scale, -MOST_UNUSUAL, MOST_UNUSUAL)
        logits = np.maximum(usual @ self.hidden + self.hidden_bias, 0.0) @ self.weights + self.bias
        shares = np.exp(logits - logits.max())
        return np.asarray(shares / shares.sum(), np.float64)


def load_layout_model(models_dir: Path) -> LayoutModel | None:
    """The specialist in models_dir/layout; None without that directory, which switches the stage off. Blocks.

    Raises ModelFileRefused for files that differ from the manifest or cannot be used.
    """
    directory = models_dir / LAYOUT
    if not directory.is_dir():
        return None
    manifest = load_manifest(directory)
    if manifest.kind != KIND:
        raise ModelFileRefused(f"{LAYOUT}: the manifest's kind is not {KIND}")
    contents = read_verified(directory, manifest)
    try:
        families = _families(json.loads(contents[FAMILIES]))
        with np.load(io.BytesIO(contents[WEIGHTS]), allow_pickle=False) as arrays:
            parts = [np.asarray(arrays[name], np.float64) for name in ARRAYS]
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise ModelFileRefused(f"{LAYOUT}: a file is damaged") from error
    units, count = len(parts[3]), len(families)
    shapes = [(LOOK_LENGTH,), (LOOK_LENGTH,), (LOOK_LENGTH, units), (units,), (units, count), (count,)]
    if [part.shape for part in parts] != shapes:
        raise ModelFileRefused(f"{LAYOUT}: it was made for other looks of pages")
    if not all(np.isfinite(part).all() for part in parts) or parts[1].min() <= 0:
        raise ModelFileRefused(f"{LAYOUT}: its numbers cannot be used")
    return LayoutModel(manifest.model_version, families, *parts)


def read_layout(reading: Reading, model: LayoutModel | None, taxonomy: Taxonomy) -> Finding:
    """What the first page looks like, among the categories the taxonomy has."""
    if reading.look is None:
        return no_finding(LAYOUT, StageState.NOT_APPLICABLE, "no page to look at, or one with text enough")
    if model is None:
        return no_finding(LAYOUT, StageState.SKIPPED, "there is no layout model")
    probabilities = model.probabilities(reading.look)
    at = int(probabilities.argmax())
    family, probability = model.families[at], float(probabilities[at])
    detail = f"looks like {family.name}, {probability:.2f}"
    known = [category for category in family.categories if taxonomy.open_leaves_below.get(category)]
    if family.speaks_from is None or probability < family.speaks_from or not known:
        return no_finding(LAYOUT, StageState.COMPLETED, f"{detail}: not enough to say so")
    # Each leaf once: a category may lie below another.
    leaves = {leaf for category in known for leaf in taxonomy.open_leaves_below[category]}
    worth = worth_of(probability, family.share)
    main = max(known, key=lambda category: len(taxonomy.open_leaves_below[category]))
    # What it speaks for may have no name in common.
    named = main if 2 * len(taxonomy.open_leaves_below[main]) > len(leaves) else None
    return Finding(
        LAYOUT,
        StageState.COMPLETED,
        named,
        sigmoid(worth) if named else None,
        detail=detail,
        log_odds=dict.fromkeys(sorted(leaves), worth),
    )


def worth_of(probability: float, share: float) -> float:
    """TRUST of what the log-odds grew by from what they were before the page was seen; 0 to MOST_LOG_ODDS."""
    sure = min(max(probability, 1e-6), 1 - 1e-6)
    grew = math.log(sure / (1 - sure)) - math.log(share / (1 - share))
    return max(0.0, min(MOST_LOG_ODDS, TRUST * grew))


def families_json(families: tuple[Family, ...]) -> bytes:
    """The file's content, the same for the same families."""
    content = [
        {"name": one.name, "categories": one.categories, "share": one.share, "speaks_from": one.speaks_from}
        for one in families
    ]
    return (json.dumps({"families": content}, indent=1) + "\n").encode()


def _families(content: Mapping[str, Any]) -> tuple[Family, ...]:
    """Raises KeyError, TypeError or ValueError."""
    families = tuple(
        Family(
            str(one["name"]),
            tuple(map(str, one["categories"])),
            float(one["share"]),
            None if one["speaks_from"] is None else float(one["speaks_from"]),
        )
        for one in content["families"]
    )
    if not families or not all(0 < one.share < 1 for one in families):
        raise ValueError
    return families
