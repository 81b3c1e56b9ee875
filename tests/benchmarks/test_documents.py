import pypdfium2
import pytest

from benchmarks import documents


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch, tmp_path):
    monkeypatch.setattr(documents, "CACHE", tmp_path)


def test_texts_are_of_the_length_asked_for_and_differ():
    found = documents.texts(80, chars=1000)
    assert all(500 <= len(text) <= 1500 for text in found)
    assert 800 < sum(map(len, found)) / len(found) < 1200
    assert len(set(found)) == 80
    assert documents.texts(80, chars=1000) == found


def test_pdfs_have_text_on_one_to_ten_pages():
    pages = []
    for file in documents.pdfs(12):
        document = pypdfium2.PdfDocument(file)
        pages.append(len(document))
        assert len(document[0].get_textpage().get_text_range()) > 500
        document.close()
    assert 1 <= min(pages) < max(pages) <= 10


def test_a_large_pdf_is_exactly_as_large_as_asked_and_still_one_page_of_text():
    file = documents.large_pdf(3_000_000)
    assert file.stat().st_size == 3_000_000
    document = pypdfium2.PdfDocument(file)
    assert len(document) == 1
    assert document[0].get_textpage().get_text_range().strip()
    document.close()
