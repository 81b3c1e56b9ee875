"""The values a template asks for: names, places, numbers and dates of one country, drawn when first needed."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from random import Random

from faker import Faker

from heron_grpc.lab.generator.formats import Locale, date_text, month_text, number
from heron_grpc.lab.generator.ledger import Cell, Ledger
from heron_grpc.lab.generator.ledgers import LEDGERS
from heron_grpc.lab.generator.machine_readable import Bearer, zone
from heron_grpc.lab.generator.template import choose
from heron_grpc.lab.generator.vocabulary import Vocabulary

_LATEST = date(2026, 10, 1)
# What stands in templates and specimens where people put their own.
_PLACEHOLDER_SHARE = 0.12
_PLACEHOLDERS = {
    "person": ("John Doe", "Jane Smith", "YOUR NAME", "[Name]", "JOE A SAMPLE", "SAMPLE JANE", "Full Name"),
    "first": ("SAMPLE", "JANE", "JOHN", "[First name]"),
    "last": ("SAMPLE", "DOE", "SPECIMEN", "[Last name]"),
    "company": ("Your Company Name", "[Company Name]", "Company Name Inc.", "YOUR LOGO HERE", "Acme Corporation"),
    "street": ("123 Main St", "123 Anywhere Street", "[Street Address]", "Street Address", "123 Your Street"),
    "city": ("Anytown, USA 12345", "[City, ST ZIP Code]", "City, State ZIP", "ANYTOWN", "Your City, ST 12345"),
    "email": ("no_reply@example.com", "name@domain.com", "[Email]"),
    "phone": ("(123) 456-7890", "000-000-0000", "[Phone]", "555-555-5555"),
}
# Drawn by the methods of their names.
_DRAWN = frozenset(
    ("code", "digits", "money", "int", "date", "old", "next", "due", "time", "year", "month", "para", "mrz")
)
# How a document writes what is less than nothing; "{}" stands for the amount.
_NEGATIVES = ("-{}", "-{}", "-{}", "- {}", "({})", "{}-")
# Faker draws Italian cities from a set, in an order that differs from process to process: the vocabulary has them.
_UNORDERED = ("city", "it")
_FAKED = {
    "person": "name",
    "first": "first_name",
    "last": "last_name",
    "company": "company",
    "street": "street_address",
    "city": "city",
    "postcode": "postcode",
    "country": "country",
    "phone": "phone_number",
    "email": "email",
    "url": "domain_name",
    "job": "job",
    "word": "word",
    "sentence": "sentence",
    "iban": "iban",
    "bic": "swift",
    "colour": "color_name",
    "user": "user_name",
    "uuid": "uuid4",
    "ip": "ipv4",
}


class Facts:
    """Facts of one document in one country; implements FactSource."""

    def __init__(self, random: Random, locale: Locale, faker: Faker, vocabulary: Vocabulary) -> None:
        self._random = random
        self._locale = locale
        self._faker = faker
        self._vocabulary = vocabulary
        self._specimen = random.random() < _PLACEHOLDER_SHARE
        self._known: dict[str, str] = {}
        # When the person was born, and until when the document is good: as last drawn.
        self._days: dict[str, date] = {}
        self._ledgers: dict[str, Ledger] = {}
        self._told: dict[str, set[str]] = {}
        self._money = random.choice(locale.money)
        # Cells of a table seldom repeat the currency.
        self._cell = random.choice((self._money, "{}", "{}"))
        self._negative = random.choice(_NEGATIVES)
        self._date = random.choice(locale.dates)
        self._today = _LATEST - timedelta(days=random.randint(0, 4_000))

    def fact(self, name: str, argument: str = "", *, fresh: bool = False) -> str:
        """A value; the same for the same name and argument unless `fresh`. Raises KeyError."""
        key = f"{name}:{argument}"
        if fresh or key not in self._known:
            self._known[key] = self._draw(name.rstrip("0123456789"), argument)
        return self._known[key]

    def table(self, name: str) -> Sequence[Mapping[str, str]]:
        """The rows of a ledger, written in the country's way. Raises KeyError."""
        ledger = self._ledger(name)
        return [
            {name: self._write(cell, self._cell, whole=ledger.whole) for name, cell in row.items()}
            for row in ledger.rows
        ]

    def _draw(self, name: str, argument: str) -> str:
        if self._specimen and name in _PLACEHOLDERS:
            return self._random.choice(_PLACEHOLDERS[name])
        if name in _FAKED and (name, self._locale.language) != _UNORDERED:
            return str(getattr(self._faker, _FAKED[name])()).replace("\n", ", ")
        ledger, _, value = name.partition(".")
        if value:
            found = self._ledger(ledger)
            return "  ".join(self._write(cell, whole=found.whole) for cell in found.values[value])
        if name in _DRAWN:
            return str(getattr(self, f"_{name}_fact")(argument))
        return self._phrase(name)

    def _phrase(self, name: str) -> str:
        """One of the vocabulary; none is told twice before all were."""
        phrases = self._vocabulary.words(name, self._locale.language)
        told = self._told.setdefault(name, set())
        if told.issuperset(phrases):
            told.clear()
        phrase = self._random.choice([phrase for phrase in phrases if phrase not in told])
        told.add(phrase)
        return choose(phrase, self._random)

    def _code_fact(self, pattern: str) -> str:
        """Digits for 9, letters for A, the rest as it stands."""
        draws = {"9": "0123456789", "A": "ABCDEFGHJKLMNPRSTUVWXYZ"}
        return "".join(self._random.choice(draws.get(sign, sign)) for sign in pattern)

    def _digits_fact(self, length: str) -> str:
        return "".join(self._random.choices("0123456789", k=int(length)))

    def _int_fact(self, bounds: str) -> str:
        low, high = bounds.split("-")
        return str(self._random.randint(int(low), int(high)))

    def _money_fact(self, top: str) -> str:
        return self._write(self._random.randint(100, 100 * int(top or 2_000)))

    def _date_fact(self, _: str) -> str:
        return self._write(self._today - timedelta(days=self._random.randint(0, 60)))

    def _old_fact(self, _: str) -> str:
        self._days["old"] = self._today - timedelta(days=self._random.randint(7_000, 25_000))
        return self._write(self._days["old"])

    def _next_fact(self, _: str) -> str:
        self._days["next"] = self._today + timedelta(days=self._random.randint(10, 2_500))
        return self._write(self._days["next"])

    def _due_fact(self, _: str) -> str:
        """When a bill of today is to be paid."""
        return self._write(self._today + timedelta(days=self._random.randint(5, 45)))

    def _time_fact(self, _: str) -> str:
        return f"{self._random.randint(7, 22):02}:{self._random.randint(0, 59):02}"

    def _mrz_fact(self, wish: str) -> str:
        """The machine-readable zone of size, code, state and number ("TD3 P FRA 99AA99999") of the named person."""
        size, code, state, number = wish.split()
        last, first, sex = (self.fact(name) for name in ("last", "first", "sex"))
        for name in ("old", "next"):
            self.fact(name)
        days = self._days
        bearer = Bearer(last, first, sex, days["old"], days["next"], self.fact("code", number))
        return "\n".join(zone(size, code, state, bearer))

    def _year_fact(self, _: str) -> str:
        return str(self._today.year)

    def _month_fact(self, _: str) -> str:
        return month_text(self._today, self._locale.language)

    def _para_fact(self, sentences: str) -> str:
        return str(self._faker.paragraph(nb_sentences=int(sentences or 4)))

    def _ledger(self, name: str) -> Ledger:
        if name not in self._ledgers:
            words = self._vocabulary.words(name, self._locale.language)
            self._ledgers[name] = LEDGERS[name](self._random, words)
        return self._ledgers[name]

    def _write(self, value: Cell, money: str = "", *, whole: bool = False) -> str:
        if isinstance(value, int):
            plain = number(abs(value) / 100, self._locale, 0 if whole else 2)
            written = (money or self._money).format(plain)
            return self._negative.format(written) if value < 0 else written
        if isinstance(value, date):
            return date_text(value, self._date, self._locale.language)
        return value
