"""Every table's sums, differences and shares are those of its rows."""

import random

import pytest

from heron_grpc.lab.generator.ledgers import LEDGERS

SEEDS = pytest.mark.parametrize("seed", range(20))


def draw(name, seed):
    """The ledger, and its values of one column."""
    ledger = LEDGERS[name](random.Random(seed), [f"thing {number}" for number in range(12)])
    return ledger, {key: cells[0] for key, cells in ledger.values.items()}


def total(ledger, name):
    return sum(row[name] for row in ledger.rows)


@SEEDS
def test_a_card_owes_what_was_owed_bought_and_charged(seed):
    ledger, card = draw("card", seed)
    assert total(ledger, "amount") == card["purchases"]
    assert card["closing"] == card["opening"] + card["paid"] + card["purchases"] + card["interest"] + card["fees"]
    assert card["available"] == card["limit"] - card["closing"] >= 0
    assert card["minimum"] <= card["closing"]
    assert all(card["from"] <= row["day"] <= row["post"] <= card["due"] for row in ledger.rows)


@SEEDS
def test_a_merchant_gets_what_fees_and_refunds_leave(seed):
    ledger, month = draw("processing", seed)
    assert month["net"] == total(ledger, "sales") - total(ledger, "refunds") == total(ledger, "net")
    assert month["fees"] == total(ledger, "fee") + month["monthly"] + month["authorisations"]
    assert month["funded"] == month["net"] - month["chargebacks"] - month["fees"]
    assert all(row["sales"] == int(row["count"]) * row["ticket"] for row in ledger.rows)
    ledger, days = draw("batches", seed)
    assert days["net"] == days["sales"] - days["refunds"] - days["fee"] == total(ledger, "net")


@SEEDS
@pytest.mark.parametrize("name", ["usage", "telephone"])
def test_a_bill_charges_its_lines_and_what_is_still_owed(name, seed):
    ledger, bill = draw(name, seed)
    assert int(bill["after"]) - int(bill["before"]) == int(bill["used"])
    assert total(ledger, "amount") + bill["tax"] == bill["current"]
    assert bill["due"] == bill["current"] + bill["previous"] + bill["paid"] == bill["current"] + bill["carried"]


@SEEDS
def test_a_loan_is_paid_down(seed):
    ledger, loan = draw("amortization", seed)
    balance = loan["amount"]
    for row in ledger.rows:
        assert row["opening"] == balance
        assert row["payment"] == row["principal"] + row["interest"] == loan["payment"]
        balance -= row["principal"]
        assert row["closing"] == balance
    _, letter = draw("payoff", seed)
    assert letter["interest"] == int(letter["days"]) * letter["per_diem"]
    assert letter["total"] == letter["principal"] + letter["interest"] + letter["fees"]
    ledger, debts = draw("loans", seed)
    assert [debts[name] for name in ("original", "balance", "payment")] == [
        total(ledger, name) for name in ("original", "balance", "payment")
    ]


@SEEDS
def test_open_items_add_up_both_ways(seed):
    ledger, sums = draw("aging", seed)
    buckets = ("current", "a", "b", "c", "d")
    assert all(row["sum"] == sum(row[bucket] for bucket in buckets) for row in ledger.rows)
    assert sums["sum"] == sum(sums[bucket] for bucket in buckets) == total(ledger, "sum")


@SEEDS
def test_a_budget_differs_from_what_was_spent_by_its_variance(seed):
    ledger, sums = draw("budget", seed)
    assert all(row["variance"] == row["planned"] - row["actual"] for row in ledger.rows)
    assert sums["variance"] == sums["planned"] - sums["actual"] == total(ledger, "variance")
    assert sums["left"] == sums["income"] - sums["actual"]


@SEEDS
def test_each_coming_period_opens_with_the_cash_of_the_last(seed):
    ledger, _ = draw("forecast", seed)
    names = [name for name, cells in ledger.values.items() if len(cells) == len(ledger.values["years"])]
    periods = [dict(zip(names, cells, strict=True)) for cells in zip(*(ledger.values[n] for n in names), strict=True)]
    for before, period in zip([None, *periods], periods, strict=False):
        assert before is None or period["opening"] == before["closing"]
        assert period["closing"] == period["opening"] + period["receipts"] - period["payments"]
        assert period["net"] == period["gross"] - period["expenses"]


@SEEDS
def test_a_years_cash_flow_explains_its_cash(seed):
    ledger, _ = draw("accounts", seed)
    names = list(ledger.values)
    years = [dict(zip(names, cells, strict=True)) for cells in zip(*ledger.values.values(), strict=True)]
    for year, before in zip(years, [*years[1:], None], strict=True):
        changes = year["change_receivables"] + year["change_inventory"] + year["change_payables"]
        assert year["operating_cash"] == year["net"] + year["depreciation"] + changes
        assert year["change_cash"] == year["operating_cash"] + year["minus_capex"] + year["financing_cash"]
        assert year["cash"] == year["closing_cash"] > 0
        assert before is None or year["opening_cash"] == before["cash"]
        assert year["current_assets"] == year["cash"] + year["receivables"] + year["inventory"] + year["prepaid"]
        assert year["operating"] == year["gross_profit"] - year["expenses"]


@SEEDS
def test_what_is_held_is_worth_its_rows(seed):
    ledger, held = draw("holdings", seed)
    assert held["opening"] + held["paid_in"] + held["gain"] == held["total"] == total(ledger, "amount")
    assert held["unrealised"] == held["total"] - held["cost"] == total(ledger, "gain")
    assert held["net"] == held["total"] - held["fee"] - held["tax"]


@SEEDS
def test_a_price_with_tax_contains_it(seed):
    ledger, sale = draw("items", seed)
    assert sale["gross"] == total(ledger, "amount") == sale["gross_net"] + sale["gross_tax"]
    assert sale["gross_cash"] - sale["gross_change"] == sale["gross"]
    assert sale["payable"] == sale["total"] + sale["withheld"]
    assert 2 * sale["half_tax"] == sale["tax"]
    assert all(int(row["sent"]) + int(row["back"]) == int(row["qty"]) for row in ledger.rows)


@SEEDS
def test_a_trade_costs_and_yields_what_its_shares_and_charges_make(seed):
    _, deal = draw("trade", seed)
    assert deal["amount"] == int(deal["shares"]) * deal["price"]
    assert deal["debit"] == deal["amount"] + deal["fee"]
    assert (
        deal["credit"] == deal["after_tax"] - deal["fee"] == deal["amount"] - deal["fee"] - deal["tax"] - deal["extra"]
    )
    _, tank = draw("fuel", seed)
    assert abs(float(tank["volume"]) * float(tank["price"]) * 100 - tank["total"]) <= 1
    assert tank["net"] + tank["tax"] == tank["total"]
