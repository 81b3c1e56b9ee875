"""Languages of texts, and how sure that is."""

from collections.abc import Callable

import pytest

from heron_grpc.domain.document import Reading
from heron_grpc.reading.language import detect_language

SENTENCES = {
    "en": "Please transfer the outstanding amount to the account stated below before the end of the month.",
    "de": "Bitte überweisen Sie den offenen Betrag bis zum Monatsende auf das unten genannte Konto.",
    "fr": "Veuillez virer le montant restant dû sur le compte indiqué ci-dessous avant la fin du mois.",
    "es": "Le rogamos que transfiera el importe pendiente a la cuenta indicada antes de fin de mes.",
    "it": "Vi preghiamo di versare l'importo dovuto sul conto indicato di seguito entro la fine del mese.",
    "nl": "Gelieve het openstaande bedrag voor het einde van de maand over te maken op onderstaande rekening.",
    "pl": "Prosimy o przelanie pozostałej kwoty na podane poniżej konto do końca miesiąca.",
    "pt": "Solicitamos que transfira o montante em dívida para a conta indicada abaixo até ao fim do mês.",
    "sv": "Vänligen överför det utestående beloppet till kontot nedan före månadens slut.",
    "cs": "Prosíme o převod zbývající částky na níže uvedený účet do konce měsíce.",
    "ru": "Просим перечислить оставшуюся сумму на указанный ниже счёт до конца месяца.",
    "uk": "Просимо перерахувати решту суми на вказаний нижче рахунок до кінця місяця.",
    "el": "Παρακαλούμε μεταφέρετε το υπόλοιπο ποσό στον παρακάτω λογαριασμό μέχρι το τέλος του μήνα.",
    "ar": "يرجى تحويل المبلغ المتبقي إلى الحساب المذكور أدناه قبل نهاية الشهر.",
    "he": "אנא העבירו את היתרה לחשבון הרשום מטה עד סוף החודש.",
    "zh": "请在月底之前将余款汇至以下账户。谢谢您的合作与支持。我们期待继续为您服务。",
    "ja": "月末までに残額を下記の口座にお振り込みください。",
    "ko": "월말까지 아래 계좌로 잔액을 송금해 주시기 바랍니다.",
    "th": "กรุณาโอนยอดคงเหลือไปยังบัญชีด้านล่างก่อนสิ้นเดือน",
    "hi": "कृपया महीने के अंत से पहले शेष राशि नीचे दिए गए खाते में स्थानांतरित करें।",
}


@pytest.mark.parametrize(("tag", "sentence"), SENTENCES.items())
def test_a_sentence_tells_its_language(tag: str, sentence: str) -> None:
    found, confidence = detect_language(sentence)
    assert found == tag
    assert confidence > 0.7


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n",
        "4711 12,50 99 %",
        "IBAN DE12 3456 7890",
        "Total",
        "東京都",
        "https://a.example/b info@c.example",
        "kjhg wzx",
    ],
)
def test_what_is_too_short_or_no_language_is_not_judged(text: str) -> None:
    assert detect_language(text) == ("", 0.0)


def test_figures_and_addresses_do_not_matter() -> None:
    noise = " 12,50 4711-X99 info@c.example https://www.c.example/index.html " * 3
    assert detect_language(noise + SENTENCES["nl"] + noise)[0] == "nl"


def test_few_words_make_less_sure_than_many() -> None:
    assert 0 < detect_language("Bitte überweisen")[1] < detect_language(SENTENCES["de"])[1]


def test_a_mixture_makes_less_sure() -> None:
    mixed = SENTENCES["ru"] + " " + SENTENCES["en"]
    assert detect_language(mixed)[1] < 0.7


def test_pages_carry_their_languages(read: Callable[..., Reading]) -> None:
    reading = read(f"{SENTENCES['en']}\f{SENTENCES['de']}\f123".encode())
    assert [page.language for page in reading.pages] == ["en", "de", ""]
    assert [page.language_confidence > 0.7 for page in reading.pages] == [True, True, False]
