"""Machine-readable zones, against the specimens of ICAO 9303."""

from datetime import date

import pytest

from heron_grpc.lab.generator.machine_readable import Bearer, check_digit, zone

ANNA = Bearer("Eriksson", "Anna Maria", "F", date(1974, 8, 12), date(2012, 4, 15), "D23145890")


@pytest.mark.parametrize(
    ("text", "digit"), [("D23145890", "7"), ("L898902C3", "6"), ("AB2134<<<", "5"), ("740812", "2")]
)
def test_check_digits_are_those_of_the_standard(text, digit):
    assert check_digit(text) == digit


def test_a_card_has_the_lines_of_the_specimen():
    assert zone("TD1", "I", "UTO", ANNA) == (
        "I<UTOD231458907<<<<<<<<<<<<<<<",
        "7408122F1204159UTO<<<<<<<<<<<6",
        "ERIKSSON<<ANNA<MARIA<<<<<<<<<<",
    )


def test_a_visa_sized_document_has_the_lines_of_the_specimen():
    assert zone("TD2", "I", "UTO", ANNA) == (
        "I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<",
        "D231458907UTO7408122F1204159<<<<<<<6",
    )


def test_a_passport_has_two_lines_of_44_signs_whatever_the_name():
    bearer = Bearer("Müller-Groß", "Łucja Ñ. d'Été " * 5, "M", ANNA.born, ANNA.expires, "C01X")
    top, bottom = zone("TD3", "P", "D", bearer)
    assert top.startswith("P<D<<MUELLER<GROSS<<LUCJA<N<D<ETE<")
    assert len(top) == len(bottom) == 44
    assert bottom.startswith("C01X<<<<<" + check_digit("C01X<<<<<") + "D<<740812")
