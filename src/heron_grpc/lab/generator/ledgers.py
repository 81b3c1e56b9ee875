"""Tables whose arithmetic adds up, in minor units until they are written."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random


@dataclass(frozen=True, slots=True)
class Ledger:
    """Amounts in minor units (int), other cells as they are; several amounts are columns of one line."""

    values: dict[str, tuple[int, ...]]
    rows: tuple[dict[str, int | str | date], ...] = field(default=())


def items(random: Random, things: list[str]) -> Ledger:
    """Goods or services with quantity, price, tax and total."""
    rows: list[dict[str, int | str | date]] = []
    top = random.choice((1_000, 10_000, 200_000))
    for position in range(1, random.randint(1, 9) + 1):
        quantity, price = random.choice((1, 1, 1, 2, 3, 5, 10, 24)), random.randint(100, top)
        amount = quantity * price
        sku = f"{random.choice('ABKLMPRSTX')}{random.randint(100, 99_999)}"
        row = {"pos": str(position), "desc": random.choice(things), "qty": str(quantity), "sku": sku}
        rows.append({**row, "price": price, "amount": amount})
    subtotal = sum(int(row["amount"]) for row in rows if isinstance(row["amount"], int))
    tax = subtotal * random.choice((0, 5, 6, 7, 8, 10, 19, 20, 21)) // 100
    total = subtotal + tax
    cash = -(-total // 1000) * 1000
    values = {"subtotal": subtotal, "tax": tax, "total": total, "cash": cash, "change": cash - total}
    return Ledger({name: (value,) for name, value in values.items()}, tuple(rows))


def transactions(random: Random, things: list[str]) -> Ledger:
    """An account's movements with a running balance."""
    balance = opening = random.randint(5_000, 2_000_000)
    day = date(random.randint(2014, 2026), random.randint(1, 12), 1)
    rows: list[dict[str, int | str | date]] = []
    paid_in = paid_out = 0
    for _ in range(random.randint(4, 28)):
        day += timedelta(days=random.randint(0, 3))
        amount = random.randint(300, 150_000)
        incoming = random.random() < 0.25
        balance += amount if incoming else -amount
        paid_in += amount * incoming
        paid_out += amount * (not incoming)
        signed = amount if incoming else -amount
        sides = {"debit": "" if incoming else amount, "credit": amount if incoming else ""}
        rows.append({"day": day, "desc": random.choice(things), "amount": signed, "balance": balance, **sides})
    values = {"opening": opening, "closing": balance, "paid_in": paid_in, "paid_out": paid_out}
    values["minimum"] = max(2_500, abs(balance) // 50)
    values["limit"] = random.randint(10, 250) * 10_000
    values["fees"] = paid_in * 29 // 1000
    values["net"] = paid_in - values["fees"]
    return Ledger({name: (value,) for name, value in values.items()}, tuple(rows))


def holdings(random: Random, things: list[str]) -> Ledger:
    """Securities with shares, price and value."""
    rows: list[dict[str, int | str | date]] = []
    for _ in range(random.randint(2, 10)):
        shares, price = random.randint(1, 500), random.randint(300, 60_000)
        isin = f"{random.choice(('US', 'DE', 'IE', 'LU', 'FR'))}{random.randint(0, 9_999_999_999):010d}"
        row = {"desc": random.choice(things), "isin": isin, "shares": str(shares)}
        rows.append({**row, "price": price, "amount": shares * price})
    total = sum(int(row["amount"]) for row in rows if isinstance(row["amount"], int))
    start = total * random.randint(80, 115) // 100
    fee, tax = random.randint(100, 3_000), random.randint(0, 20_000)
    values = {"total": total, "opening": start, "gain": total - start, "fee": fee, "tax": tax, "net": total - fee - tax}
    return Ledger({name: (value,) for name, value in values.items()}, tuple(rows))


def accounts(random: Random, _: list[str]) -> Ledger:
    """A company's balance sheet, income and cash flow, in whole units, one to three periods."""
    scale = random.choice((100, 10_000, 1_000_000))
    years = [_year(random, scale) for _ in range(random.randint(1, 3))]
    return Ledger({name: tuple(year[name] for year in years) for name in years[0]})


def pay(random: Random, _: list[str]) -> Ledger:
    """A pay period and the year to date."""
    hours, rate = random.randint(60, 180), random.randint(1_200, 9_000)
    base = hours * rate
    overtime = random.choice((0, 0, rate * random.randint(1, 20)))
    gross = base + overtime
    parts = {"income_tax": random.randint(8, 24), "social": 6, "medicare": 1, "state": 4, "pension": 5, "health": 3}
    taken = {name: gross * percent // 100 for name, percent in parts.items()}
    deductions = sum(taken.values())
    period = {"base": base, "overtime": overtime, "gross": gross, **taken, "deductions": deductions}
    period |= {"net": gross - deductions, "rate": rate, "hours": hours * 100}
    count = random.randint(1, 24)
    return Ledger({name: (amount, amount * count) for name, amount in period.items()})


def debts(random: Random, things: list[str]) -> Ledger:
    """Loans, open invoices by age, or claims: rows of amounts with column sums."""
    rows: list[dict[str, int | str | date]] = []
    for _ in range(random.randint(3, 9)):
        original = random.randint(50, 9_000) * 10_000
        parts = [original * share // 100 for share in sorted(random.sample(range(60), 4))]
        day = date(random.randint(2012, 2026), random.randint(1, 12), random.randint(1, 28))
        row: dict[str, int | str | date] = {"desc": random.choice(things), "day": day, "amount": original}
        names = ("a", "b", "c", "d")
        rows.append({**row, **dict(zip(names, parts, strict=True)), "sum": sum(parts)})
    totals: dict[str, tuple[int, ...]] = {
        name: (sum(value for row in rows if isinstance(value := row[name], int)),)
        for name in ("amount", "a", "b", "c", "d", "sum")
    }
    return Ledger(totals, tuple(rows))


def _year(random: Random, scale: int) -> dict[str, int]:
    def draw(low: int, high: int) -> int:
        return random.randint(low * scale, high * scale)

    year = {"cash": draw(5, 90), "receivables": draw(5, 80), "inventory": draw(2, 60), "prepaid": draw(1, 9)}
    year["current_assets"] = sum(year.values())
    year |= {"property": draw(20, 300), "intangibles": draw(1, 80)}
    year["assets"] = year["current_assets"] + year["property"] + year["intangibles"]
    year |= {"payables": draw(3, 30), "accrued": draw(1, 12), "short_debt": draw(1, 9)}
    year["current_liabilities"] = year["payables"] + year["accrued"] + year["short_debt"]
    year["long_debt"] = draw(1, 15)
    year["liabilities"] = year["current_liabilities"] + year["long_debt"]
    year["stock"] = draw(1, 5)
    year["equity"] = year["assets"] - year["liabilities"]
    year["retained"] = year["equity"] - year["stock"]
    year |= {"revenue": draw(200, 900), "cost": draw(80, 190), "salaries": draw(10, 80), "rent": draw(2, 20)}
    year |= {"marketing": draw(1, 20), "depreciation": draw(1, 15), "interest": draw(1, 6)}
    year["gross_profit"] = year["revenue"] - year["cost"]
    year["expenses"] = sum(year[name] for name in ("salaries", "rent", "marketing", "depreciation"))
    year["operating"] = year["gross_profit"] - year["expenses"]
    year["pretax"] = year["operating"] - year["interest"]
    year["income_tax"] = year["pretax"] // 4
    year["net"] = year["pretax"] - year["income_tax"]
    year |= {"capex": draw(3, 40), "repaid": draw(1, 9), "opening_cash": draw(4, 60)}
    year["operating_cash"] = year["net"] + year["depreciation"]
    year["change_cash"] = year["operating_cash"] - year["capex"] - year["repaid"]
    year["closing_cash"] = year["opening_cash"] + year["change_cash"]
    return {name: amount * 100 for name, amount in year.items()}


LEDGERS: dict[str, Callable[[Random, list[str]], Ledger]] = {
    "items": items,
    "transactions": transactions,
    "holdings": holdings,
    "accounts": accounts,
    "pay": pay,
    "debts": debts,
}
