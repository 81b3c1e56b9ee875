"""Calculations that tell whether figures in a text are what they look like: check digits and running balances.

Machine-readable zones: ICAO Doc 9303, parts 3 to 7. IBAN: ISO 13616. Routing numbers of cheques: ABA.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice, pairwise
from types import MappingProxyType

# Places in a text, code points, half-open.
Span = tuple[int, int]

# Lines after the first of a zone that may hold the others; recognised text has stray lines between.
_ZONE_LINES = 6
_FILLERS = str.maketrans({"\u00ab": "<<", "\u2039": "<", " ": ""})
_CHARACTERS = re.compile(r"[A-Z0-9<]{28,46}")
_WEIGHTS = (7, 3, 1)
# What recognition takes for digits where only digits stand.
_AS_DIGITS = str.maketrans("OQDILZSGB", "000112568")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
_ROUTING = re.compile(r"(?<!\d)\d{9}(?!\d)")
_ROUTING_WEIGHTS = (3, 7, 1) * 3
# Federal reserve districts, thrift institutions, electronic, and travellers' cheques.
_ROUTING_PREFIXES = frozenset((*range(1, 13), *range(21, 33), *range(61, 73), 80))
# An amount's two decimals, and what stands before them; a figure in front would make it another number.
_DECIMALS = re.compile(r"[.,]\d\d(?![\d.,]?\d)")
_WHOLE = re.compile(r"(?<![\d.,])\d{1,3}(?:[.,'\u2019 ]?\d{3}){0,3}\Z")
_LONGEST_WHOLE = 16
# Code points after the first span where an account number is looked for.
_PAGE = 2_000
# Amounts looked at, and what one row may hold between two balances.
_MOST_AMOUNTS = 400
_WIDEST_ROW = 4
# Rows in a chain of balances: two in a row are found in invoices (net, tax, total), and four by chance in none seen.
_LEAST_ROWS = 4
# Share of a chain's amounts in all amounts from its first to its last.
_LEAST_SHARE = 0.5


def zone_holds(text: str, spans: Sequence[Span]) -> bool:
    """Whether all check digits of the machine-readable zone hold that begins in the line of the first span."""
    start = text.rfind("\n", 0, spans[0][0] + 1) + 1
    lines = [line.translate(_FILLERS) for line in text[start:].split("\n", _ZONE_LINES)[:_ZONE_LINES]]
    zone = [line for line in lines if _CHARACTERS.fullmatch(line)]
    return _two_lines_hold(zone) or _three_lines_hold(zone)


def iban_holds(text: str, spans: Sequence[Span]) -> bool:
    """Whether a bank account number stands where the first span begins, or on the page from there, that holds."""
    start = spans[0][0]
    return any(_is_iban(match.group().replace(" ", "")) for match in _IBAN.finditer(text, start, start + _PAGE))


def routing_holds(text: str, spans: Sequence[Span]) -> bool:
    """Whether the last span holds nine digits that can be a bank's routing number."""
    return any(_is_routing(match.group()) for match in _ROUTING.finditer(text[slice(*spans[-1])]))


def balance_runs(text: str, _spans: Sequence[Span]) -> bool:
    """Whether a column of balances stands in the text, each of them the one before it more or less an amount between.

    The amount stands in the row of the newer balance, before it: oldest rows first, or newest first.
    """
    amounts = list(islice(_amounts(text), _MOST_AMOUNTS))
    return _has_chain(amounts) or _has_chain(amounts[::-1], newest_first=True)


# By the names packs call them. Each takes the text and where the rule's patterns match, in order.
CHECKS: Mapping[str, Callable[[str, Sequence[Span]], bool]] = MappingProxyType(
    {"mrz": zone_holds, "iban": iban_holds, "routing_number": routing_holds, "running_balance": balance_runs}
)


def _two_lines_hold(zone: list[str]) -> bool:
    """Passports and visas (44 characters a line), larger cards (36): the second line has the check digits."""
    return any(
        _digits_hold(line[:9], line[9]) and _dates_hold(line[13:19], line[19], line[21:27], line[27])
        for line in zone[1:]
        if len(line) >= 34
    )


def _three_lines_hold(zone: list[str]) -> bool:
    """Cards of 30 characters a line."""
    return any(
        _digits_hold(first[5:14], first[14]) and _dates_hold(second[:6], second[6], second[8:14], second[14])
        for first, second in pairwise(zone)
    )


def _dates_hold(birth: str, birth_digit: str, expiry: str, expiry_digit: str) -> bool:
    return all(
        _is_date(date.translate(_AS_DIGITS)) and _digits_hold(date.translate(_AS_DIGITS), digit)
        for date, digit in ((birth, birth_digit), (expiry, expiry_digit))
    )


def _is_date(text: str) -> bool:
    """YYMMDD; what is not known is filled in."""
    month, day = text[2:4], text[4:6]
    return (month == "<<" or "01" <= month <= "12") and (day == "<<" or "01" <= day <= "31")


def _digits_hold(text: str, digit: str) -> bool:
    """ICAO Doc 9303-3, 4.9: letters count from 10, fillers as 0."""
    total = sum(_value(character) * _WEIGHTS[at % 3] for at, character in enumerate(text))
    return digit.translate(_AS_DIGITS) == str(total % 10)


def _value(character: str) -> int:
    return 0 if character == "<" else int(character, 36)


def _is_iban(text: str) -> bool:
    if not 15 <= len(text) <= 34:
        return False
    digits = "".join(str(int(character, 36)) for character in text[4:] + text[:4])
    return int(digits) % 97 == 1


def _is_routing(digits: str) -> bool:
    total = sum(int(digit) * weight for digit, weight in zip(digits, _ROUTING_WEIGHTS, strict=True))
    return total % 10 == 0 and int(digits[:2]) in _ROUTING_PREFIXES


def _amounts(text: str) -> Iterator[int]:
    """In hundredths. From their decimals, as few figures have them: half the time of looking for the whole."""
    for decimals in _DECIMALS.finditer(text):
        whole = _WHOLE.search(text, max(0, decimals.start() - _LONGEST_WHOLE), decimals.start())
        if whole:
            yield int("".join(filter(str.isdecimal, whole.group() + decimals.group())))


def _has_chain(amounts: list[int], *, newest_first: bool = False) -> bool:
    """`newest_first` is for amounts in reverse: an amount stands behind its row's balance then."""
    # By place: links of the longest chain whose last balance stands there, and where its first one does.
    links = [0] * len(amounts)
    first = list(range(len(amounts)))
    padded = [0, *amounts, 0]
    for at, balance in enumerate(amounts):
        change = padded[at + 2] if newest_first else padded[at]
        for before in range(max(0, at - _WIDEST_ROW), at - 1) if change else ():
            runs = amounts[before] and abs(balance - amounts[before]) == change
            if runs and links[before] + 1 > links[at]:
                links[at], first[at] = links[before] + 1, first[before]
        if links[at] >= _LEAST_ROWS and 2 * links[at] >= _LEAST_SHARE * (at - first[at]):
            return True
    return False
