"""The outcomes as rows and goals."""

from collections.abc import Callable, Sequence
from statistics import fmean, median

from benchmarks.accuracy.ocr.measures import WordCounts, rank_correlation
from benchmarks.accuracy.ocr.outcome import Outcome
from benchmarks.accuracy.ocr.pages import CLEAN
from benchmarks.reporting import Goal, Row, at_least, at_most

RAW, SERVICE = "raw engine", "service"
UNTOLD = "service, language not told"
FIRST_PASS = "first pass, nothing done to the page"
Table = tuple[list[Row], list[Goal]]


def spoilt_pages(outcomes: Sequence[Outcome]) -> Table:
    """By way and half, then all spoilt ones of each half."""
    spoilt = _grouped([one for one in outcomes if one.spoilt_by != CLEAN], lambda one: one.half)
    rows = [_row(what, group) for what, group in _grouped(outcomes, lambda one: f"{one.spoilt_by}, {one.half}").items()]
    rows += [_row(f"all but clean, {half}", group) for half, group in spoilt.items()]
    goals = [
        at_most(f"mean CER of spoilt pages, {half}", 0.01, _error(_of(SERVICE, group)))
        for half, group in spoilt.items()
    ]
    clean = [one for one in outcomes if one.spoilt_by == CLEAN]
    # Outcomes come in the order of the pages, so both subjects' are of the same.
    ratios = [ours.cpu_s / raw.cpu_s for ours, raw in zip(_of(SERVICE, clean), _of(RAW, clean), strict=True)]
    return rows, [*goals, at_most("CPU of a clean page to the raw engine's", 1.1, median(ratios))]


def lying_pages(outcomes: Sequence[Outcome]) -> Table:
    """Pages whose direction was found."""
    right = sum(one.is_upright for one in outcomes)
    rows = [
        _row(f"any direction, {half}", group) | {"upright": sum(one.is_upright for one in group)}
        for half, group in _grouped(outcomes, lambda one: one.half).items()
    ]
    return rows, [at_least(f"directions found, of {len(outcomes)}", len(outcomes), right)]


def steps(outcomes: Sequence[Outcome]) -> Table:
    """Each step left out: over all pages, and the way of spoiling in which it is missed most."""
    subjects = _grouped(outcomes, lambda one: one.subject)
    whole = subjects.pop(SERVICE)
    rows: list[Row] = [_figures(whole) | {"what": "nothing left out", "pages": len(whole)}]
    with_all = {way: _error(group) for way, group in _grouped(whole, lambda one: one.spoilt_by).items()}
    for subject, group in subjects.items():
        without = {way: _error(pages) for way, pages in _grouped(group, lambda one: one.spoilt_by).items()}
        worst = max(without, key=lambda way: without[way] - with_all[way])
        missed = f"{worst}: {with_all[worst]:.4f} to {without[worst]:.4f}"
        rows.append({"what": f"without {subject}", "pages": len(group)} | _figures(group) | {"missed_most": missed})
    return rows, []


def quality(outcomes: Sequence[Outcome]) -> Table:
    """How well the estimate tells the share of characters right, beside the engine's confidence."""
    rows = [
        _estimate(what, group) for what, group in _grouped(outcomes, lambda one: f"{one.subject}, {one.half}").items()
    ]
    goals: list[Goal] = []
    for half, group in _grouped(outcomes, lambda one: one.half).items():
        rows.append(_estimate(f"both, {half}", group))
        goals.append(at_least(f"rank correlation of the quality estimate, {half}", 0.8, _rank(group)))
    return rows, goals


def script_pages(outcomes: Sequence[Outcome]) -> Table:
    """By script and way, the language told; and not told, where it has to be found."""
    rows = []
    for what, group in _grouped(outcomes, lambda one: f"{one.half}, {one.spoilt_by}").items():
        row = _row(what, [one for one in group if one.subject != UNTOLD])
        rows.append(row | {"cer_untold": round(_error(_of(UNTOLD, group)), 4)})
    return rows, []


def receipts(outcomes: Sequence[Outcome]) -> Table:
    """Words of receipts: their lines stand in no one order."""
    if not outcomes:
        return [{"what": "receipts: none given"}], []
    words = _words(_of(SERVICE, outcomes))
    goals = [
        at_least("receipts, word recall", 0.95, words.recall),
        at_least("receipts, word precision", 0.95, words.precision),
    ]
    return [_row("receipts", outcomes) | {"cer": None, "raw_cer": None}], goals


def _estimate(what: str, outcomes: Sequence[Outcome]) -> Row:
    right = [1 - one.error for one in outcomes]
    return {
        "what": f"quality estimate, {what}",
        "pages": len(outcomes),
        "cer": round(_error(outcomes), 4),
        "rank_correlation": round(_rank(outcomes), 3),
        "of_confidence": round(rank_correlation([one.confidence for one in outcomes], right), 3),
        "off_by": round(fmean(abs(one.quality - share) for one, share in zip(outcomes, right, strict=True)), 3),
    }


def _rank(outcomes: Sequence[Outcome]) -> float:
    return rank_correlation([one.quality for one in outcomes], [1 - one.error for one in outcomes])


def _row(what: str, outcomes: Sequence[Outcome]) -> Row:
    """The service's figures, and the raw engine's where it read the same pages."""
    ours, raw = _of(SERVICE, outcomes), _of(RAW, outcomes)
    beside = {f"raw_{name}": value for name, value in _figures(raw).items()} if raw else {}
    return {"what": what, "pages": len(ours)} | _figures(ours) | beside


def _figures(outcomes: Sequence[Outcome]) -> Row:
    words = _words(outcomes)
    return {
        "cer": round(_error(outcomes), 4),
        "recall": round(words.recall, 4),
        "precision": round(words.precision, 4),
        "cpu_s": round(fmean(one.cpu_s for one in outcomes), 2),
    }


def _of(subject: str, outcomes: Sequence[Outcome]) -> list[Outcome]:
    return [one for one in outcomes if one.subject == subject]


def _error(outcomes: Sequence[Outcome]) -> float:
    return fmean(one.error for one in outcomes)


def _words(outcomes: Sequence[Outcome]) -> WordCounts:
    return sum((one.words for one in outcomes), WordCounts(0, 0, 0))


def _grouped(outcomes: Sequence[Outcome], key: Callable[[Outcome], str]) -> dict[str, list[Outcome]]:
    """In the order in which the keys first occur."""
    groups: dict[str, list[Outcome]] = {}
    for one in outcomes:
        groups.setdefault(key(one), []).append(one)
    return groups
