"""Accounts at a bank, a card issuer, a card processor and a utility, and what is owed: in minor units."""

from datetime import date, timedelta
from random import Random

from heron_grpc.lab.generator.ledger import Cell, Ledger, amounts, single

_BRANDS = ("Visa", "Mastercard", "American Express", "Discover", "Debit", "Maestro", "JCB")


def card(random: Random, things: list[str]) -> Ledger:
    """A credit card's month: what was owed, paid, bought and charged."""
    start = _month_start(random)
    opening = random.choice((0, random.randint(2_000, 600_000)))
    paid = random.choice((opening, opening, opening // 20))
    rows: list[dict[str, Cell]] = []
    day = start
    for _ in range(random.randint(3, 22)):
        day = min(day + timedelta(days=random.randint(0, 3)), start + timedelta(days=28))
        posted = day + timedelta(days=random.randint(0, 2))
        rows.append({"day": day, "post": posted, "desc": random.choice(things), "amount": random.randint(150, 60_000)})
    purchases = amounts(rows, "amount")
    interest = random.choice((0, (opening - paid) * 2 // 100))
    fees = random.choice((0, 0, 2_900, 9_500))
    closing = opening - paid + purchases + interest + fees
    limit = -(-closing // 100_000) * 100_000 + random.randint(1, 150) * 10_000
    values: dict[str, Cell] = {"opening": opening, "paid": -paid, "purchases": purchases, "interest": interest}
    values |= {"fees": fees, "closing": closing, "limit": limit, "available": limit - closing}
    values |= {"minimum": min(closing, max(2_500, closing // 50)), "from": start, "to": start + timedelta(days=29)}
    values |= {"due": start + timedelta(days=random.randint(50, 55)), "year": str(start.year)}
    return Ledger(single(values), tuple(rows))


def processing(random: Random, _: list[str]) -> Ledger:
    """A merchant's month by brand of card: sales, refunds, the processor's fees and what is paid out."""
    rows: list[dict[str, Cell]] = []
    for brand in random.sample(_BRANDS, random.randint(3, 6)):
        count, ticket, rate = random.randint(4, 900), random.randint(400, 15_000), random.randint(120, 349)
        sales = count * ticket
        refunds = random.choice((0, sales * random.randint(1, 5) // 100))
        row: dict[str, Cell] = {"brand": brand, "count": str(count), "sales": sales, "refunds": refunds}
        row |= {"ticket": ticket, "rate": f"{rate / 100:.2f}%", "fee": (sales - refunds) * rate // 10_000}
        rows.append({**row, "net": sales - refunds})
    values: dict[str, Cell] = {name: amounts(rows, name) for name in ("sales", "refunds", "net")}
    interchange = amounts(rows, "fee")
    monthly = random.choice((995, 1_495, 2_500))
    authorisations = 10 * sum(int(str(row["count"])) for row in rows)
    chargebacks = random.choice((0, 0, random.randint(1_000, 30_000)))
    fees = interchange + monthly + authorisations
    start = _month_start(random)
    values |= {"interchange": interchange, "monthly": monthly, "authorisations": authorisations, "fees": fees}
    values |= {"chargebacks": chargebacks, "funded": amounts(rows, "net") - chargebacks - fees, "from": start}
    values |= {"count": str(authorisations // 10), "to": start + timedelta(days=29)}
    return Ledger(single(values), tuple(rows))


def batches(random: Random, _: list[str]) -> Ledger:
    """A merchant's daily batches and deposits."""
    day = start = _month_start(random)
    rows: list[dict[str, Cell]] = []
    for _number in range(random.randint(4, 20)):
        day += timedelta(days=random.randint(1, 2))
        sales = random.randint(5_000, 600_000)
        fee = sales * random.randint(15, 32) // 1000
        refunds = random.choice((0, 0, 0, sales // 25))
        row: dict[str, Cell] = {"day": day, "batch": f"{random.randint(100, 999_999):06}", "sales": sales, "fee": fee}
        rows.append({**row, "refunds": refunds, "net": sales - refunds - fee, "count": str(random.randint(3, 90))})
    values: dict[str, Cell] = {name: amounts(rows, name) for name in ("sales", "refunds", "fee", "net")}
    return Ledger(single({**values, "from": start, "to": day}), tuple(rows))


def usage(random: Random, things: list[str]) -> Ledger:
    """A household's bill for a metered service: readings, charges, tax and what is still owed."""
    before, used, rate = random.randint(100, 89_000), random.randint(8, 1_900), random.randint(900, 45_000)
    consumed = used * rate // 1_000
    rows: list[dict[str, Cell]] = [{"desc": things[0], "amount": consumed}]
    others = random.sample(things[1:], min(len(things) - 1, random.randint(1, 5)))
    rows += [{"desc": name, "amount": random.randint(50, 4_500)} for name in others]
    net = amounts(rows, "amount")
    tax = net * random.choice((5, 6, 10, 19, 20)) // 100
    previous = random.randint(1_500, 30_000)
    paid = random.choice((previous, previous, previous, 0))
    start = _month_start(random)
    days = random.choice((29, 30, 31, 61, 91))
    end = start + timedelta(days=days)
    values: dict[str, Cell] = {"before": str(before), "after": str(before + used), "used": str(used)}
    values |= {"consumed": consumed, "rate": f"{rate / 100_000:.4f}", "net": net, "tax": tax, "current": net + tax}
    values |= {"previous": previous, "paid": -paid, "carried": previous - paid, "from": start, "to": end}
    values |= {"due": net + tax + previous - paid, "days": str(days), "daily": f"{used / days:.1f}"}
    values |= {"billed": end + timedelta(days=3), "pay_by": end + timedelta(days=24)}
    values["next_reading"] = end + timedelta(days=days)
    return Ledger(single(values), tuple(rows))


def fuel(random: Random, _: list[str]) -> Ledger:
    """A tank filled."""
    volume, price = random.randint(5_000, 62_000), random.randint(899, 4_599)
    values: dict[str, Cell] = {"volume": f"{volume / 1000:.3f}", "price": f"{price / 1000:.3f}"}
    total = volume * price // 10_000
    tax = total * random.choice((5, 10, 19, 20)) // 100
    return Ledger(single({**values, "total": total, "tax": tax, "net": total - tax}))


def payoff(random: Random, _: list[str]) -> Ledger:
    """What settles a loan by a day."""
    principal = random.randint(80_000, 40_000_000)
    per_diem = principal * random.randint(3, 24) // 36_500
    days = random.randint(5, 40)
    day = _month_start(random) + timedelta(days=random.randint(0, 27))
    values: dict[str, Cell] = {"principal": principal, "per_diem": per_diem, "days": str(days)}
    values |= {"interest": per_diem * days, "fees": random.choice((0, 2_500, 5_000, 9_500)), "day": day}
    values["total"] = principal + per_diem * days + int(str(values["fees"]))
    values["until"] = day + timedelta(days=days)
    return Ledger(single(values))


def amortization(random: Random, _: list[str]) -> Ledger:
    """The first payments of a loan."""
    amount, rate = random.randint(50, 5_000) * 10_000, random.randint(25, 180)
    months = random.choice((24, 36, 48, 60, 84, 120, 180, 240, 360))
    monthly = rate / 12_000
    payment = round(amount * monthly / (1 - (1 + monthly) ** -months))
    balance, day = amount, _month_start(random)
    rows: list[dict[str, Cell]] = []
    for number in range(1, random.randint(8, 24) + 1):
        interest = round(balance * monthly)
        row: dict[str, Cell] = {"pos": str(number), "day": day, "opening": balance, "payment": payment}
        balance -= payment - interest
        rows.append({**row, "principal": payment - interest, "interest": interest, "closing": balance})
        day = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    values: dict[str, Cell] = {"amount": amount, "rate": f"{rate / 10:.2f}%", "months": str(months)}
    return Ledger(single({**values, "payment": payment}), tuple(rows))


def trade(random: Random, things: list[str]) -> Ledger:
    """One security bought, sold, or paying out: what it costs or yields, in the values alone."""
    shares, price = random.randint(1, 400), random.randint(40, 60_000)
    amount = shares * price
    fee, tax = random.choice((0, 100, 490, 990, 1_495)), amount * random.choice((0, 0, 5, 15, 25)) // 100
    extra = tax * 55 // 1000
    isin = f"{random.choice(('US', 'DE', 'IE', 'LU', 'FR', 'CH', 'NL'))}{random.randint(0, 9_999_999_999):010d}"
    day = _month_start(random) + timedelta(days=random.randint(0, 27))
    values: dict[str, Cell] = {"desc": random.choice(things), "isin": isin, "wkn": f"A{random.randint(0, 99_999):05d}"}
    values |= {"shares": str(shares), "price": price, "amount": amount, "fee": fee, "tax": tax, "extra": extra}
    values |= {"debit": amount + fee, "credit": amount - fee - tax - extra, "after_tax": amount - tax - extra}
    values |= {
        "day": day,
        "ordered": day - timedelta(days=1),
        "settled": day + timedelta(days=random.choice((1, 2, 3))),
    }
    return Ledger(single(values))


def loans(random: Random, things: list[str]) -> Ledger:
    """A business's loans: what was borrowed, is owed and is paid each month."""
    rows: list[dict[str, Cell]] = []
    for _ in range(random.randint(2, 9)):
        original = random.randint(5, 900) * 100_000
        balance = original * random.randint(5, 98) // 100
        day = date(random.randint(2014, 2024), random.randint(1, 12), random.randint(1, 28))
        row: dict[str, Cell] = {"desc": random.choice(things), "day": day, "original": original, "balance": balance}
        row |= {"rate": f"{random.randint(30, 240) / 10:.2f}%", "payment": original // random.choice((24, 36, 60, 120))}
        rows.append({**row, "maturity": day.replace(year=day.year + random.randint(3, 25))})
    return Ledger(single({name: amounts(rows, name) for name in ("original", "balance", "payment")}), tuple(rows))


def aging(random: Random, things: list[str]) -> Ledger:
    """Open items by how long they are due; every column and row has its sum."""
    buckets = ("current", "a", "b", "c", "d")
    rows: list[dict[str, Cell]] = []
    for name in random.sample(things, min(len(things), random.randint(4, 12))):
        parts: dict[str, Cell] = {bucket: random.choice((0, random.randint(2_000, 900_000))) for bucket in buckets}
        overdue: dict[str, Cell] = {"age": str(random.randint(1, 140)), "num": str(random.randint(1_000, 9_999))}
        rows.append({"desc": name, **parts, **overdue, "sum": sum(int(str(part)) for part in parts.values())})
    sums = {name: amounts(rows, name) for name in (*buckets, "sum")}
    shares = {f"{name}_share": f"{100 * sums[name] / max(1, sums['sum']):.1f}%" for name in buckets}
    return Ledger(single({**sums, **shares}), tuple(rows))


def _month_start(random: Random) -> date:
    return date(random.randint(2014, 2026), random.randint(1, 12), 1)
