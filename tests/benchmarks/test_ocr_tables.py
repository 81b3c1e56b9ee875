from dataclasses import replace

import pytest

from benchmarks.accuracy.ocr import tables
from benchmarks.accuracy.ocr.measures import WordCounts
from benchmarks.accuracy.ocr.outcome import Outcome
from benchmarks.accuracy.ocr.tables import RAW, SERVICE

ONE = Outcome(SERVICE, "tuning", "clean", 0.0, WordCounts(9, 10, 10), 1.0, 0.9, 0.8, is_upright=True)


def test_spoilt_pages_are_judged_without_the_clean_ones_and_clean_ones_by_what_they_cost():
    outcomes = [ONE, replace(ONE, subject=RAW, cpu_s=0.5)]
    outcomes += [replace(ONE, spoilt_by="fax", error=0.02), replace(ONE, spoilt_by="fax", subject=RAW, error=0.5)]
    rows, goals = tables.spoilt_pages(outcomes)
    assert [row["what"] for row in rows] == ["clean, tuning", "fax, tuning", "all but clean, tuning"]
    assert (rows[1]["cer"], rows[1]["raw_cer"]) == (0.02, 0.5)
    assert [(goal.measured, goal.met) for goal in goals] == [(0.02, False), (2.0, False)]


def test_a_step_s_row_tells_where_it_is_missed_most():
    outcomes = [replace(ONE, spoilt_by=way, error=0.01) for way in ("fax", "skew")]
    outcomes += [
        replace(ONE, subject="level lines", spoilt_by=way, error=error) for way, error in (("fax", 0.01), ("skew", 0.6))
    ]
    rows, _ = tables.steps(outcomes)
    assert rows[0]["cer"] == pytest.approx(0.01)
    assert rows[1]["missed_most"] == "skew: 0.0100 to 0.6000"


def test_the_quality_s_goal_is_about_its_order():
    outcomes = [replace(ONE, error=error, quality=1 - error**2) for error in (0.0, 0.1, 0.5, 0.9)]
    rows, goals = tables.quality(outcomes)
    assert goals[0].measured == 1
    assert rows[-1]["cer"] == 0.375
    assert rows[-1]["off_by"] == pytest.approx(0.1075, abs=1e-3)


def test_directions_count_pages_turned_the_right_way():
    rows, goals = tables.lying_pages([ONE, replace(ONE, is_upright=False)])
    assert rows[0]["upright"] == 1
    assert not goals[0].met


def test_no_receipts_are_said_to_be_missing():
    rows, goals = tables.receipts([])
    assert rows == [{"what": "receipts: none given"}]
    assert not goals
