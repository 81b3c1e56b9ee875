"""Tables whose arithmetic adds up, in minor units until they are written."""

from collections.abc import Callable
from datetime import date, timedelta
from random import Random

from heron_grpc.lab.generator import account_ledgers, company_ledgers
from heron_grpc.lab.generator.ledger import Cell, Ledger, amounts, single


def items(random: Random, things: list[str]) -> Ledger:
    """Goods or services with quantity, price, tax and total."""
    return _sale(random, things, random.choice((1_000, 10_000, 200_000)), (1, 1, 1, 2, 3, 5, 10, 24))


def goods(random: Random, things: list[str]) -> Ledger:
    """What is bought at a till or eaten at a table."""
    return _sale(random, things, random.choice((600, 1_500, 4_000)), (1, 1, 1, 1, 1, 2, 2, 3))


def _sale(random: Random, things: list[str], top: int, quantities: tuple[int, ...]) -> Ledger:
    rows: list[dict[str, Cell]] = []
    for position in range(1, random.randint(1, 9) + 1):
        quantity, price = random.choice(quantities), random.randint(100, top)
        # Most of what was ordered is sent at once.
        sent = random.choice((quantity, quantity, quantity, quantity // 2))
        sku = f"{random.choice('ABKLMPRSTX')}{random.randint(100, 99_999)}"
        row: dict[str, Cell] = {"pos": str(position), "desc": random.choice(things), "qty": str(quantity), "sku": sku}
        row |= {
            "sent": str(sent),
            "back": str(quantity - sent),
            "weight": f"{quantity * random.randint(1, 90) / 10:.1f}",
        }
        rows.append({**row, "price": price, "amount": quantity * price, "minus": -quantity * price})
    rate = random.choice((0, 5, 6, 7, 8, 10, 19, 20, 21))
    subtotal = amounts(rows, "amount")
    # Even, as some countries part it between state and province.
    tax = subtotal * rate // 200 * 2
    total = subtotal + tax
    cash = -(-total // 1000) * 1000
    values: dict[str, Cell] = {"subtotal": subtotal, "tax": tax, "total": total, "cash": cash, "change": cash - total}
    count = sum(int(str(row["qty"])) for row in rows)
    weight = sum(float(str(row["weight"])) for row in rows)
    values |= {"rate": f"{rate}%", "count": str(count), "lines": str(len(rows)), "weight": f"{weight:.1f}"}
    withheld, discount = subtotal * 15 // 100, total * 2 // 100
    values |= {"half_tax": tax // 2, "withheld": -withheld, "payable": total - withheld}
    values |= {"discount": discount, "discounted": total - discount}
    # Where prices include the tax, what was paid is the sum of the rows.
    paid = -(-subtotal // 1000) * 1000
    contained = subtotal * rate // (100 + rate)
    values |= {"gross": subtotal, "gross_tax": contained, "gross_net": subtotal - contained}
    values |= {"gross_cash": paid, "gross_change": paid - subtotal}
    values |= {f"minus_{name}": -int(str(values[name])) for name in ("subtotal", "tax", "total")}
    return Ledger(single(values), tuple(rows))


def transactions(random: Random, things: list[str]) -> Ledger:
    """An account's movements with a running balance."""
    balance = opening = random.randint(5_000, 2_000_000)
    day = start = date(random.randint(2014, 2026), random.randint(1, 12), 1)
    # A phrase that begins with a plus is of money that comes in.
    sources = [thing[1:] for thing in things if thing.startswith("+")] or things
    uses = [thing for thing in things if not thing.startswith("+")] or things
    rows: list[dict[str, Cell]] = []
    paid_in = paid_out = 0
    for _ in range(random.randint(random.choice((1, 6)), 28)):
        day += timedelta(days=random.randint(0, 3))
        amount = random.randint(300, 150_000)
        incoming = random.random() < 0.25
        signed = amount if incoming else -amount
        balance += signed
        paid_in += amount * incoming
        paid_out += amount * (not incoming)
        desc = random.choice(sources if incoming else uses)
        row: dict[str, Cell] = {"day": day, "desc": desc, "amount": signed, "balance": balance}
        row |= {"debit": "" if incoming else amount, "credit": amount if incoming else ""}
        rows.append({**row, "post": day + timedelta(days=random.randint(0, 1))})
    values: dict[str, Cell] = {"opening": opening, "closing": balance, "paid_in": paid_in, "paid_out": paid_out}
    values |= {"from": start, "to": day + timedelta(days=random.randint(0, 4)), "count": str(len(rows))}
    return Ledger(single(values), tuple(rows))


def holdings(random: Random, things: list[str]) -> Ledger:
    """Securities with shares, price, value and what they cost."""
    rows: list[dict[str, Cell]] = []
    for _ in range(random.randint(2, 10)):
        shares, price = random.randint(1, 500), random.randint(300, 60_000)
        isin = f"{random.choice(('US', 'DE', 'IE', 'LU', 'FR'))}{random.randint(0, 9_999_999_999):010d}"
        cost = shares * price * random.randint(60, 130) // 100
        row: dict[str, Cell] = {"desc": random.choice(things), "isin": isin, "shares": str(shares), "price": price}
        row |= {"wkn": f"{random.choice('A8')}{random.choice('0123KLX')}{random.randint(0, 9999):04d}"}
        row |= {"symbol": "".join(random.choices("ABCDEFGIKLMNOPRSTV", k=random.randint(2, 4)))}
        rows.append({**row, "amount": shares * price, "cost": cost, "gain": shares * price - cost})
    total = amounts(rows, "amount")
    rows = [{**row, "share": f"{100 * int(str(row['amount'])) / total:.1f}%"} for row in rows]
    start, paid_in = total * random.randint(80, 115) // 100, random.choice((0, 0, random.randint(5_000, 500_000)))
    fee, tax = random.randint(100, 3_000), total * random.randint(0, 15) // 1000
    values: dict[str, Cell] = {"total": total, "opening": start, "paid_in": paid_in, "gain": total - start - paid_in}
    values |= {"fee": fee, "tax": tax, "net": total - fee - tax, "cost": amounts(rows, "cost")}
    values |= {"unrealised": amounts(rows, "gain"), "gross": total, "debit": total + fee}
    day = date(random.randint(2014, 2026), random.choice((3, 6, 9, 12)), random.randint(1, 28))
    values |= {"day": day, "settled": day + timedelta(days=random.choice((1, 2, 3)))}
    return Ledger(single(values), tuple(rows))


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
    rows: list[dict[str, Cell]] = []
    for _ in range(random.randint(3, 9)):
        original = random.randint(50, 9_000) * 10_000
        parts = [original * share // 100 for share in sorted(random.sample(range(60), 4))]
        day = date(random.randint(2012, 2026), random.randint(1, 12), random.randint(1, 28))
        row: dict[str, Cell] = {"desc": random.choice(things), "day": day, "amount": original}
        names = ("a", "b", "c", "d")
        rows.append({**row, **dict(zip(names, parts, strict=True)), "sum": sum(parts)})
    sums: dict[str, Cell] = {name: amounts(rows, name) for name in ("amount", "a", "b", "c", "d", "sum")}
    return Ledger(single(sums), tuple(rows))


LEDGERS: dict[str, Callable[[Random, list[str]], Ledger]] = {
    "items": items,
    # What can be shipped; sold like anything else.
    "wares": items,
    "goods": goods,
    "fuel": account_ledgers.fuel,
    "transactions": transactions,
    "holdings": holdings,
    "pay": pay,
    "debts": debts,
    "accounts": company_ledgers.accounts,
    "budget": company_ledgers.budget,
    "forecast": company_ledgers.forecast,
    "card": account_ledgers.card,
    "processing": account_ledgers.processing,
    "batches": account_ledgers.batches,
    # What a telephone costs is billed like what a meter counts, under other names.
    "usage": account_ledgers.usage,
    "telephone": account_ledgers.usage,
    "trade": account_ledgers.trade,
    "payoff": account_ledgers.payoff,
    "amortization": account_ledgers.amortization,
    "loans": account_ledgers.loans,
    "aging": account_ledgers.aging,
}
