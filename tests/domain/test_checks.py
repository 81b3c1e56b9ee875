"""Check digits and running balances: those that hold, and those that only look like it."""

import pytest

from heron_grpc.domain.checks import balance_runs, iban_holds, routing_holds, zone_holds

# Specimens of ICAO Doc 9303, parts 4 to 7.
PASSPORT = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10"
CARD = "I<UTOD231458907<<<<<<<<<<<<<<<\n7408122F1204159UTO<<<<<<<<<<<6\nERIKSSON<<ANNA<MARIA<<<<<<<<<<"
LARGE_CARD = "I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<\nD231458907UTO7408122F1204159<<<<<<<6"
VISA = "V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL8988901C4XXX4009078F96121096ZE184226B<<<<<<"


@pytest.mark.parametrize("zone", [PASSPORT, CARD, LARGE_CARD, VISA])
def test_the_standards_specimens_hold(zone: str) -> None:
    text = f"PASSPORT\nUtopia\n{zone}\n"
    start = text.index(zone)
    assert zone_holds(text, [(start, start + 5)])


@pytest.mark.parametrize(
    ("true", "recognised"),
    [
        # Spaces within lines, a stray line between them, fillers as quotation marks, O for 0 in a date.
        ("<<ANNA", " << ANNA"),
        ("\n", "\n\n-\n"),
        ("<<ANNA", "«ANNA"),
        ("7408122F", "74O8I22F"),
    ],
)
def test_a_zone_as_recognition_writes_it_holds(true: str, recognised: str) -> None:
    assert zone_holds(PASSPORT.replace(true, recognised), [(0, 5)])


@pytest.mark.parametrize(
    ("true", "wrong"),
    [
        ("L898902C3", "L898902C4"),
        ("740812", "740813"),
        ("120415", "120514"),
        # Month 13 with a check digit that holds.
        ("7408122", "7413121"),
        ("\nL898902C36UTO7408122F1204159ZE184226B<<<<<10", ""),
        ("ZE184226B<<<<<10", ""),
    ],
)
def test_a_zone_that_is_misread_cut_or_made_up_does_not_hold(true: str, wrong: str) -> None:
    assert true in PASSPORT
    assert not zone_holds(PASSPORT.replace(true, wrong), [(0, 5)])


def test_a_zone_too_far_below_is_another_documents() -> None:
    first, second = PASSPORT.split("\n")
    assert not zone_holds(first + "\nword" * 6 + "\n" + second, [(0, 5)])


@pytest.mark.parametrize(
    "text", ["IBAN: DE89 3704 0044 0532 0130 00.", "GB82WEST12345698765432", "NL91 ABNA 0417 1643 00"]
)
def test_account_numbers_hold(text: str) -> None:
    assert iban_holds(text, [(0, 1)])


@pytest.mark.parametrize(
    "text", ["DE89 3704 0044 0532 0130 01", "GB82WEST12345698765423", "DE89 3704", "DE89370400440532013000X1"]
)
def test_account_numbers_with_a_wrong_digit_do_not_hold(text: str) -> None:
    assert not iban_holds(text, [(0, 1)])


@pytest.mark.parametrize(
    ("digits", "holds"),
    [
        ("021000021", True),
        ("011401533", True),
        ("021000012", False),
        ("991000021", False),
        ("0210000211", False),
        ("000000000", False),
    ],
)
def test_routing_numbers(digits: str, holds: bool) -> None:
    text = f"⑆{digits}⑆"
    assert routing_holds(text, [(0, 3), (0, len(text))]) == holds


def test_a_routing_number_counts_only_where_the_pattern_found_it() -> None:
    assert not routing_holds("⑆123456789⑆ call 021000021", [(0, 11)])


ROWS = (
    "01.02. Rent 800,00 1.200,00\n03.02. Pay 2.000,00 3.200,00\n04.02. Shop 55,30 3.144,70\n06.02. Gas 44,70 3.100,00\n"
)


@pytest.mark.parametrize(
    "text",
    [
        "Saldo 2.000,00\n" + ROWS,
        "Saldo 2.000,00\n" + ROWS.replace(" ", "\n"),
        "forward 2000.00\nA 800.00 1,200.00\nB 2,000.00 3,200.00\nC 55.30 3 144.70\nD 44.70 3'100.00",
        # Newest first.
        "D 44.70 3100.00\nC 55.30 3144.70\nB 2000.00 3200.00\nA 800.00 1200.00\nZ 10.00 2000.00",
    ],
)
def test_balances_that_run_hold(text: str) -> None:
    assert balance_runs(text, [])


@pytest.mark.parametrize(
    "text",
    [
        "",
        ROWS[: ROWS.index("04.02.")],
        # One balance is wrong in the middle.
        ("Saldo 2.000,00\n" + ROWS).replace("3.200,00", "3.210,00"),
        # An invoice: lines, net, tax, total; paid and change.
        "Pens 2 4,00 8,00\nInk 1 12,00 12,00\nNet 20,00\nTax 3,80\nTotal 23,80\nCash 30,00\nChange 6,20",
        # The same amount again and again, and nothing happening.
        "0.00 5.00 5.00 0.00 5.00 5.00 0.00 5.00 5.00 0.00 5.00 5.00",
        "7.00 0.00 7.00 0.00 7.00 0.00 7.00 0.00 7.00",
        # Four rows that run among far more amounts.
        "100.00\n1.00 2.00 9.00 5.00 105.00",
    ],
)
def test_columns_of_amounts_that_do_not_run_do_not_hold(text: str) -> None:
    assert not balance_runs(text, [])


def test_an_account_number_far_from_where_it_is_looked_for_is_another() -> None:
    text = "GB82WEST12345698765432 IBAN" + " word" * 500 + " GB82WEST12345698765432"
    assert not iban_holds(text, [(text.index("IBAN"), text.index("IBAN") + 4)])
    assert iban_holds(text, [(0, 1)])
