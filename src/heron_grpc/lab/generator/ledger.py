"""What a ledger holds."""

from dataclasses import dataclass, field
from datetime import date

# An amount in minor units, a text as it is written, or a day.
Cell = int | str | date


@dataclass(frozen=True, slots=True)
class Ledger:
    """Several cells of one value are columns of one line."""

    values: dict[str, tuple[Cell, ...]]
    rows: tuple[dict[str, Cell], ...] = field(default=())
    # Written without minor units.
    whole: bool = False


def single(values: dict[str, Cell]) -> dict[str, tuple[Cell, ...]]:
    """Values of one column each."""
    return {name: (value,) for name, value in values.items()}


def amounts(rows: list[dict[str, Cell]], name: str) -> int:
    """The sum of a column; cells that hold no amount count nothing."""
    return sum(value for row in rows if isinstance(value := row[name], int))
