"""The machine-readable zone of travel documents (ICAO 9303, parts 3 to 6)."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

_WEIGHTS = (7, 3, 1)
# Spelt out by the standard; other letters lose their marks.
_SPELT_OUT = str.maketrans({"Ä": "AE", "Ö": "OE", "Ü": "UE", "ß": "SS", "Æ": "AE", "Ø": "OE", "Ł": "L", "Ñ": "N"})


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whom a document names, and for how long it is good."""

    last: str
    first: str
    sex: str
    born: date
    expires: date
    number: str


def zone(size: str, code: str, state: str, bearer: Bearer) -> tuple[str, ...]:
    """The lines of a document of a size ("TD1", "TD2", "TD3"), of a code ("P", "I") and a state ("FRA").

    Raises KeyError for another size.
    """
    return _SIZES[size](code.ljust(2, "<"), state.ljust(3, "<"), bearer)


def check_digit(text: str) -> str:
    """Of a part of the zone (part 3, section 4.9)."""
    values = (0 if sign == "<" else int(sign, 36) for sign in text)
    return str(sum(value * _WEIGHTS[place % 3] for place, value in enumerate(values)) % 10)


def _td3(code: str, state: str, bearer: Bearer) -> tuple[str, ...]:
    number, dates = _number(bearer), _dates(bearer)
    checked = number + dates["born"] + dates["expires"] + "<" * 14 + "0"
    line = f"{number}{state}{dates['born']}{bearer.sex}{dates['expires']}{'<' * 14}0{check_digit(checked)}"
    return f"{code}{state}{_names(bearer, 39)}", line


def _td2(code: str, state: str, bearer: Bearer) -> tuple[str, ...]:
    number, dates = _number(bearer), _dates(bearer)
    checked = number + dates["born"] + dates["expires"] + "<" * 7
    line = f"{number}{state}{dates['born']}{bearer.sex}{dates['expires']}{'<' * 7}{check_digit(checked)}"
    return f"{code}{state}{_names(bearer, 31)}", line


def _td1(code: str, state: str, bearer: Bearer) -> tuple[str, ...]:
    number, dates = _number(bearer), _dates(bearer)
    checked = number + "<" * 15 + dates["born"] + dates["expires"] + "<" * 11
    middle = f"{dates['born']}{bearer.sex}{dates['expires']}{state}{'<' * 11}{check_digit(checked)}"
    return f"{code}{state}{number}{'<' * 15}", middle, _names(bearer, 30)


_SIZES = {"TD1": _td1, "TD2": _td2, "TD3": _td3}


def _number(bearer: Bearer) -> str:
    number = bearer.number.ljust(9, "<")
    return number + check_digit(number)


def _dates(bearer: Bearer) -> Mapping[str, str]:
    days = {"born": f"{bearer.born:%y%m%d}", "expires": f"{bearer.expires:%y%m%d}"}
    return {name: day + check_digit(day) for name, day in days.items()}


def _names(bearer: Bearer, width: int) -> str:
    return f"{_spelt(bearer.last)}<<{_spelt(bearer.first)}"[:width].ljust(width, "<")


def _spelt(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.upper().translate(_SPELT_OUT))
    return "<".join(re.findall("[A-Z]+", "".join(sign for sign in plain if not unicodedata.combining(sign))))
