"""Cells as a spreadsheet shows them: numbers by their format code (ECMA-376-1 18.8.31), dates and times in ISO 8601."""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

# Formats every program knows by their number (ECMA-376-1 18.8.30), those of them that depend on no country.
BUILT_IN = {
    1: "0",
    2: "0.00",
    3: "#,##0",
    4: "#,##0.00",
    9: "0%",
    10: "0.00%",
    37: "#,##0",
    38: "#,##0",
    39: "#,##0.00",
    40: "#,##0.00",
}
# Literals in quotes or behind a backslash, currencies, colours and conditions, fillers, digits, percent, section end.
_TOKEN = re.compile(r'"([^"]*)"|\\(.)|\[\$([^\]-]*)[^\]]*\]|(\[[^\]]*\]|_.|\*.)|([0#?.,]+)|(%)|(;)|(.)', re.DOTALL)
# Letters of dates, scientific notation, fractions, text: formats that are left alone.
_NOT_UNDERSTOOD = frozenset("EeyYmMdDhHsSaAgGbB/@")
_MOST_DECIMALS = 15
_LARGEST_EXACT = 1e17
_LONGEST_FORMAT = 255
_DAY = timedelta(days=1)

Value = int | float | str | bool | date | datetime | time | timedelta


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """How a number is shown; groups of thousands are left out, since their sign differs from country to country."""

    prefix: str
    suffix: str
    least_digits: int
    least_decimals: int
    most_decimals: int
    is_percent: bool

    def shown(self, number: float) -> str:
        """The number as text."""
        exact = Decimal(repr(number)) * (100 if self.is_percent else 1)
        if not exact.is_finite() or abs(exact) >= Decimal(_LARGEST_EXACT):
            return plain(number)
        text = str(abs(exact).quantize(Decimal(1).scaleb(-self.most_decimals), ROUND_HALF_UP))
        whole, _, decimals = text.partition(".")
        decimals = decimals[: self.least_decimals] + decimals[self.least_decimals :].rstrip("0")
        digits = whole.zfill(self.least_digits) + ("." + decimals if decimals else "")
        sign = "-" if number < 0 and digits.strip("0.") else ""
        return f"{self.prefix}{sign}{digits}{self.suffix}".strip()


@lru_cache(maxsize=1024)
def number_format(code: str) -> NumberFormat | None:
    """The format of positive numbers that a code tells; None for those of dates, text, fractions and exponents."""
    literals, digits, percent = ["", ""], "", False
    for match in _TOKEN.finditer(code[:_LONGEST_FORMAT]):
        quoted, escaped, currency, nothing, placeholders, percentage, end, other = match.groups()
        if end:
            break
        if nothing:
            # A bracket with letters counts hours, say.
            if nothing.strip("[]").lower() in {"h", "hh", "m", "mm", "s", "ss"}:
                return None
            continue
        if placeholders:
            if digits or (other and other in _NOT_UNDERSTOOD):
                return None
            digits = placeholders
            continue
        if other and other in _NOT_UNDERSTOOD:
            return None
        percent = percent or bool(percentage)
        literals[bool(digits)] += quoted or escaped or currency or percentage or other or ""
    whole, _, decimals = digits.partition(".")
    # A comma at the end divides by a thousand.
    if not digits or "." in decimals or digits.endswith(",") or len(decimals) > _MOST_DECIMALS:
        return None
    least = len(decimals.rstrip("#?"))
    return NumberFormat(literals[0], literals[1], max(whole.count("0"), 1), least, len(decimals), percent)


def shown(value: Value, code: str = "") -> str:
    """A cell's value as text, by its number format where it has one that is understood."""
    match value:
        case str():
            return value
        case int() | float():
            return _number(value, code)
        case timedelta():
            return _duration(value)
        case datetime():
            return _moment(value)
        case _:
            # Seconds of a time only where there are any.
            return value.isoformat() if isinstance(value, date) or value.second else value.isoformat("minutes")


def _number(value: float, code: str) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    form = number_format(code) if code else None
    return form.shown(value) if form else plain(value)


def plain(number: float) -> str:
    """The shortest form, in the 15 digits that spreadsheets show: 0.1 + 0.2 is 0.3."""
    if float(number).is_integer() and abs(number) < _LARGEST_EXACT:
        return str(int(number))
    return f"{number:.15g}"


def _moment(value: datetime) -> str:
    """A date with its time, unless that is midnight; seconds only where there are any."""
    rounded = (value + timedelta(milliseconds=500)).replace(microsecond=0) if value.year < 9999 else value
    if rounded.time() == time():
        return rounded.date().isoformat()
    return rounded.isoformat(" ", "seconds" if rounded.second else "minutes")


def _duration(value: timedelta) -> str:
    """Hours beyond 24 stay hours."""
    seconds = round(abs(value).total_seconds())
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{'-' if value < timedelta() else ''}{hours}:{minutes:02}" + (f":{seconds:02}" if seconds else "")
