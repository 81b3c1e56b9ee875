"""What the tuning half's pages say: letters, lists and tables put together from a stock of sentences and names."""

from random import Random

_SENTENCES = (
    "Thank you for your letter, which reached us on Thursday and has been passed to the office in charge.",
    "The heating in the east wing was repaired twice this winter, yet the upper rooms stay cold until noon.",
    "Please return the signed copy within fourteen days; a stamped envelope is enclosed.",
    "We have looked at the figures again and find that the difference comes from the freight charged in May.",
    "Every delivery is weighed at the gate, and the slip is kept with the order for seven years.",
    "If the amount is not received by the end of the month, the contract may be ended without further notice.",
    "Our engineers will visit the site next week to measure the foundations and to take samples of the soil.",
    "The tenant keeps the garden in good order and pays for water, gas and electricity.",
    "Interest is counted from the first day of the quarter and credited on the last.",
    "You may withdraw your consent at any time by writing to the address at the top of this page.",
    "The committee met four times and heard eleven witnesses before it reached its findings.",
    "A copy of the certificate was sent by registered post and signed for by the warehouse keeper.",
    "Patients should take one tablet each morning with a glass of water and avoid strong sunlight.",
    "Both parties agree that disputes are settled by the court at the seller's place of business.",
    "No part of the equipment may be moved, lent or altered while the lease runs.",
    "Sales rose by eight per cent over the year, while the cost of paper and postage fell slightly.",
    "The bridge was closed for lorries above twelve tonnes after cracks were found in the northern pier.",
    "Children under six travel free when they are with an adult who holds a valid ticket.",
    "Kindly quote the reference number in all letters and on the transfer form.",
    "What has been said about the roof applies to the gutters and the downpipes as well.",
)
_GOODS = (
    "Copper pipe 22 mm", "Window hinge, brass", "Oak veneer, sheet", "Wall paint, white 10 l", "Roof tile, slate grey",
    "Cable drum 50 m", "Door handle, left", "Sanding paper P120", "Gravel 8/16, tonne", "Water meter Qn 2.5",
    "Hydraulic oil 20 l", "Work gloves, size 9", "Ceiling lamp 36 W", "Insulation board", "Expansion bolt M10",
    "Cement, bag of 25 kg", "Pressure gauge 0-10 bar", "Garden hose 3/4 inch", "Fuse 16 A, pack", "Steel angle 40x40x4",
)  # fmt: skip
_NAMES = (
    "Harriet Blackwood", "Tobias Lindqvist", "Margaret O'Neill", "Samuel Adeyemi", "Ingrid Vasquez", "Peter Kowalski",
    "Yvonne Chambers", "Rajesh Iyer", "Beatrice Holloway", "Owen Fitzgerald", "Clara Weissmann", "Julian Marchetti",
)  # fmt: skip
_STREETS = ("Mill Lane", "Station Road", "Queen's Walk", "Harbour Street", "Upper Meadow", "Chapel Hill", "Dock Row")
_TOWNS = ("Brackenford", "Easthaven", "Littlemarsh", "Stonebridge", "Whitcombe", "Northwick", "Fairley")
_MONTHS = ("January", "February", "March", "April", "June", "July", "August", "October", "November", "December")
_FIELDS = ("Policy number", "Date of birth", "Place of issue", "Telephone", "Account", "Reference", "Sum insured")


def paragraph(draw: Random) -> str:
    """Some three lines of running text."""
    return " ".join(draw.sample(_SENTENCES, draw.randint(2, 4)))


def address(draw: Random) -> list[str]:
    """Name, street and town."""
    street = f"{draw.randint(1, 180)} {draw.choice(_STREETS)}"
    return [draw.choice(_NAMES), street, f"{draw.choice(_TOWNS)} {draw.randint(10000, 99999)}"]


def date(draw: Random) -> str:
    """As letters have it."""
    return f"{draw.randint(1, 28)} {draw.choice(_MONTHS)} {draw.randint(1996, 2025)}"


def fields(draw: Random) -> list[tuple[str, str]]:
    """Names and values of a form."""
    return [(name, f"{draw.randint(100, 999)} {draw.randint(1000, 9999)}") for name in draw.sample(_FIELDS, 5)]


def goods(draw: Random) -> list[tuple[str, str, str, str]]:
    """Rows of a table with its head: what, how many, price, amount."""
    rows = [("Description", "Quantity", "Price", "Amount")]
    for name in draw.sample(_GOODS, draw.randint(6, 14)):
        count, price = draw.randint(2, 60), draw.randint(120, 19900) / 100
        rows.append((name, str(count), f"{price:,.2f}", f"{count * price:,.2f}"))
    return rows
