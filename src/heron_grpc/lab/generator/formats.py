"""How a country writes numbers, money and dates."""

from dataclasses import dataclass
from datetime import date
from random import Random

_MONTHS = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
    "pl": "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
}


@dataclass(frozen=True, slots=True)
class Locale:
    """A Faker locale and its ways of writing."""

    name: str
    thousands: str
    decimal: str
    # "{}" stands for the number.
    money: tuple[str, ...]
    dates: tuple[str, ...]

    @property
    def language(self) -> str:
        """ISO 639-1."""
        return self.name[:2]


_US_DATES = ("%m/%d/%Y", "%m/%d/%y", "%b %d, %Y", "%B %d, %Y", "%Y-%m-%d", "%m-%d-%Y")
_UK_DATES = ("%d/%m/%Y", "%d %b %Y", "%d %B %Y", "%d-%m-%y", "%d/%m/%y")
_DOTTED = ("%d.%m.%Y", "%d.%m.%y", "%d. %B %Y")
_SLASHED = ("%d/%m/%Y", "%d-%m-%Y", "%d %B %Y")
_EURO = ("{}", "{} €", "{} EUR", "EUR {}", "€ {}")

LOCALES = {
    "en": (
        Locale("en_US", ",", ".", ("{}", "${}", "$ {}", "USD {}"), _US_DATES),
        Locale("en_US", ",", ".", ("${}", "{}"), _US_DATES),
        Locale("en_GB", ",", ".", ("{}", "£{}", "GBP {}", "£ {}"), _UK_DATES),
        Locale("en_CA", ",", ".", ("{}", "${}", "CAD {}", "C$ {}"), ("%Y-%m-%d", *_US_DATES)),
        Locale("en_AU", ",", ".", ("{}", "${}", "A${}", "AUD {}"), _UK_DATES),
        Locale("en_IN", ",", ".", ("{}", "Rs. {}", "INR {}", "₹{}"), _UK_DATES),
    ),
    "de": (
        Locale("de_DE", ".", ",", _EURO, _DOTTED),
        Locale("de_DE", ".", ",", _EURO, _DOTTED),
        Locale("de_AT", ".", ",", _EURO, _DOTTED),
        Locale("de_CH", "'", ".", ("{}", "CHF {}", "{} CHF"), _DOTTED),
    ),
    "fr": (Locale("fr_FR", " ", ",", _EURO, _SLASHED), Locale("fr_CH", "'", ".", ("{}", "CHF {}"), _DOTTED)),
    "es": (Locale("es_ES", ".", ",", _EURO, _SLASHED), Locale("es_MX", ",", ".", ("{}", "${}", "${} MXN"), _SLASHED)),
    "it": (Locale("it_IT", ".", ",", _EURO, _SLASHED),),
    "nl": (Locale("nl_NL", ".", ",", _EURO, _SLASHED),),
    "pl": (Locale("pl_PL", " ", ",", ("{}", "{} zł", "{} PLN"), _DOTTED),),
}


def number(value: float, locale: Locale, decimals: int = 2) -> str:
    """1234.5 as "1,234.50", "1.234,50" ..."""
    plain = f"{value:,.{decimals}f}"
    whole, _, fraction = plain.partition(".")
    return whole.replace(",", locale.thousands) + (locale.decimal + fraction if fraction else "")


def date_text(day: date, pattern: str, language: str) -> str:
    """A date with the language's month names."""
    month = _MONTHS[language].split()[day.month - 1]
    return day.strftime(pattern.replace("%B", month).replace("%b", month[:3]))


def month_text(day: date, language: str) -> str:
    """Month and year."""
    return date_text(day, "%B %Y", language)


def pick_locale(language: str, random: Random) -> Locale:
    """One of the language's countries."""
    return random.choice(LOCALES[language])
