"""A company's books and plans, in whole units written as minor ones."""

from random import Random

from heron_grpc.lab.generator.ledger import Cell, Ledger, amounts, single

_SCALES = (100, 10_000, 1_000_000)


def accounts(random: Random, _: list[str]) -> Ledger:
    """Balance sheet, income and cash flow of one to three years, the latest first; each takes up the cash before."""
    scale = random.choice(_SCALES)
    last = random.randint(2012, 2026)
    before = {name: random.randint(8 * scale, 60 * scale) for name in ("cash", "receivables", "inventory", "payables")}
    years: list[dict[str, int]] = []
    for _number in range(random.randint(1, 3)):
        before = _year(random, scale, before)
        years.insert(0, before)
    values: dict[str, tuple[Cell, ...]] = {
        name: tuple(100 * year[name] for year in years) for name in years[0] if name not in _SHARES
    }
    values |= {name: tuple(f"{year[name]}%" for year in years) for name in _SHARES}
    values |= {f"minus_{name}": tuple(-100 * year[name] for year in years) for name in _DEDUCTED}
    return Ledger(
        {**values, "years": tuple(str(last - age) for age in range(len(years)))}, whole=random.random() < 0.75
    )


def budget(random: Random, things: list[str]) -> Ledger:
    """What was planned and spent by category."""
    scale = random.choice((10, 100, 1_000, 50_000))
    rows: list[dict[str, Cell]] = []
    for name in random.sample(things, min(len(things), random.randint(4, 12))):
        planned = random.randint(1, 90) * scale * 100
        actual = planned * random.randint(60, 130) // 100
        row: dict[str, Cell] = {"desc": name, "planned": planned, "actual": actual, "variance": planned - actual}
        row["over"] = actual - planned
        prior = planned * random.randint(80, 115) // 100
        rows.append({**row, "prior": prior, "percent": f"{100 * actual / planned:.1f}%", "quarter": planned // 4})
    sums: dict[str, Cell] = {
        name: amounts(rows, name) for name in ("planned", "actual", "variance", "over", "prior", "quarter")
    }
    spent = amounts(rows, "actual")
    income = random.randint(spent * 9 // 10, spent * 13 // 10) // 100 * 100
    sums |= {"income": income, "left": income - spent, "percent": f"{100 * spent / amounts(rows, 'planned'):.1f}%"}
    return Ledger(single(sums), tuple(rows), whole=random.random() < 0.5)


def forecast(random: Random, _: list[str]) -> Ledger:
    """Three to six coming periods that grow; each opens with the last one's cash."""
    scale = random.choice(_SCALES)
    growth = random.randint(102, 160)
    revenue, cash = random.randint(20, 300) * scale, random.randint(5, 80) * scale
    periods: list[dict[str, int]] = []
    for _number in range(random.choice((3, 3, 4, 5, 6))):
        period = {"revenue": revenue, "cost": revenue * random.randint(25, 60) // 100, "opening": cash}
        period["gross"] = period["revenue"] - period["cost"]
        period |= {name: revenue * random.randint(2, 12) // 100 for name in ("salaries", "rent", "marketing", "other")}
        period["expenses"] = period["salaries"] + period["rent"] + period["marketing"] + period["other"]
        period["net"] = period["gross"] - period["expenses"]
        period |= {"receipts": revenue, "payments": period["cost"] + period["expenses"]}
        cash += period["net"]
        periods.append({**period, "closing": cash})
        revenue = revenue * growth // 100
    first, count = random.randint(2015, 2027), len(periods)
    values: dict[str, tuple[Cell, ...]] = {name: tuple(100 * period[name] for period in periods) for name in periods[0]}
    values |= {"years": tuple(str(first + number) for number in range(count)), "growth": (f"{growth - 100}%",)}
    values["numbers"] = tuple(str(number + 1) for number in range(count))
    return Ledger(values, whole=random.random() < 0.8)


_SHARES = ("gross_share", "net_share")
# Often written as what they take away.
_DEDUCTED = ("cost", "salaries", "depreciation", "expenses", "interest", "income_tax", "capex", "repaid", "dividends")


def _year(random: Random, scale: int, before: dict[str, int]) -> dict[str, int]:
    """A year after the one `before`, of which cash, receivables, inventory and payables are looked at."""

    def draw(low: int, high: int) -> int:
        return random.randint(low * scale, high * scale)

    year = {"receivables": draw(5, 80), "inventory": draw(2, 60), "prepaid": draw(1, 9), "payables": draw(3, 30)}
    year |= {"revenue": draw(300, 900), "cost": draw(80, 190), "salaries": draw(10, 80), "rent": draw(2, 20)}
    year |= {"marketing": draw(1, 20), "depreciation": draw(1, 15), "interest": draw(1, 6), "insurance": draw(1, 9)}
    year |= {"utilities": draw(1, 6), "fees": draw(1, 8)}
    year["gross_profit"] = year["revenue"] - year["cost"]
    spent = ("salaries", "rent", "marketing", "depreciation", "insurance", "utilities", "fees")
    year["expenses"] = sum(year[name] for name in spent)
    year["operating"] = year["gross_profit"] - year["expenses"]
    year["ebitda"] = year["operating"] + year["depreciation"]
    year["pretax"] = year["operating"] - year["interest"]
    year["income_tax"] = max(0, year["pretax"] // 4)
    year["net"] = year["pretax"] - year["income_tax"]
    year |= {name: 100 * year[of] // year["revenue"] for name, of in zip(_SHARES, ("gross_profit", "net"), strict=True)}
    year |= {f"change_{name}": before[name] - year[name] for name in ("receivables", "inventory")}
    year["change_payables"] = year["payables"] - before["payables"]
    changes = ("change_receivables", "change_inventory", "change_payables")
    year["operating_cash"] = year["net"] + year["depreciation"] + sum(year[name] for name in changes)
    year |= {"capex": draw(3, 40), "repaid": draw(1, 9), "dividends": draw(1, 5), "opening_cash": before["cash"]}
    spare = year["opening_cash"] + year["operating_cash"] - year["capex"] - year["repaid"] - year["dividends"]
    year["borrowed"] = max(0, draw(5, 20) - spare)
    year["financing_cash"] = year["borrowed"] - year["repaid"] - year["dividends"]
    year["closing_cash"] = year["cash"] = spare + year["borrowed"]
    year["change_cash"] = year["closing_cash"] - year["opening_cash"]
    return year | _position(random, scale, year)


def _position(random: Random, scale: int, year: dict[str, int]) -> dict[str, int]:
    """The rest of the balance sheet."""
    held = {name: random.randint(low * scale, high * scale) for name, low, high in _HELD}
    current_assets = year["cash"] + year["receivables"] + year["inventory"] + year["prepaid"]
    assets = current_assets + held["property"] + held["intangibles"]
    current_liabilities = year["payables"] + held["accrued"] + held["short_debt"]
    liabilities = current_liabilities + held["long_debt"]
    equity = assets - liabilities
    sums = {"current_assets": current_assets, "assets": assets, "fixed_assets": held["property"] + held["intangibles"]}
    sums |= {"current_liabilities": current_liabilities, "liabilities": liabilities, "equity": equity}
    sums["working_capital"] = current_assets - current_liabilities
    return held | sums | {"retained": equity - held["stock"]}


_HELD = (
    ("property", 20, 300),
    ("intangibles", 1, 80),
    ("accrued", 1, 12),
    ("short_debt", 1, 9),
    ("long_debt", 1, 15),
    ("stock", 1, 5),
)
