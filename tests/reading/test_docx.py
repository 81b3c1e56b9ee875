"""Word documents."""

from collections.abc import Callable
from pathlib import Path

import docx
import pytest
from docx.oxml import parse_xml

from heron_grpc.domain.document import Reading
from heron_grpc.domain.errors import CorruptDocument, ReadingLimitExceeded

Read = Callable[..., Reading]
W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def test_text_and_tables_stand_in_order_between_header_and_footer(read: Read, simple_docx: Path) -> None:
    reading = read(simple_docx)
    assert reading.text.splitlines() == [
        "Letterhead of the sender",
        "Before the table",
        "Item\tPrice",
        "Rod\t99.00",
        "After the table",
        "Registered in Bergen",
    ]
    assert reading.tables[0].rows == (("Item", "Price"), ("Rod", "99.00"))
    assert reading.metadata["title"] == "Delivery"


def test_content_controls_insertions_and_text_boxes_are_read_once(read: Read, tmp_path: Path) -> None:
    document = docx.Document()
    control = f"<w:sdt {W}><w:sdtContent><w:p><w:r><w:t>In a control</w:t></w:r></w:p></w:sdtContent></w:sdt>"
    deleted = "<w:del><w:r><w:delText>Gone</w:delText></w:r></w:del>"
    inserted = f"<w:p {W}><w:ins><w:r><w:t>Inserted</w:t></w:r></w:ins>{deleted}</w:p>"
    box = "<w:txbxContent><w:p><w:r><w:t>Boxed</w:t></w:r></w:p></w:txbxContent>"
    compatible = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    boxed = (
        f"<w:p {W} {compatible}><w:r><mc:AlternateContent><mc:Choice Requires='wps'>{box}</mc:Choice>"
        f"<mc:Fallback>{box}</mc:Fallback></mc:AlternateContent></w:r></w:p>"
    )
    for xml in (control, inserted, boxed):
        document.element.body.insert(0, parse_xml(xml))
    document.save(str(tmp_path / "parts.docx"))
    assert read(tmp_path / "parts.docx").text.splitlines() == ["Boxed", "Inserted", "In a control"]


def test_docx_without_text_comes_with_a_warning(read: Read, tmp_path: Path) -> None:
    docx.Document().save(str(tmp_path / "empty.docx"))
    assert [warning.code for warning in read(tmp_path / "empty.docx").warnings] == ["NO_TEXT_FOUND"]


@pytest.mark.parametrize("share", [0.3, 0.7, 0.99])
def test_truncated_docx_is_corrupt(read: Read, simple_docx: Path, share: float) -> None:
    content = simple_docx.read_bytes()
    with pytest.raises(CorruptDocument):
        read(content[: int(len(content) * share)])


def test_broken_xml_is_corrupt(read: Read, repacked: Callable[..., bytes]) -> None:
    with pytest.raises(CorruptDocument):
        read(repacked(word__document_xml=b"<w:document><w:body>"))


def test_archive_that_expands_past_the_limit_is_refused(read: Read, repacked: Callable[..., bytes]) -> None:
    with pytest.raises(ReadingLimitExceeded) as refused:
        read(repacked(word__media__big=bytes(20 << 20)))
    assert refused.value.metadata == {"limit": "output"}


def test_archive_of_very_many_entries_is_refused(read: Read, repacked: Callable[..., bytes]) -> None:
    with pytest.raises(ReadingLimitExceeded):
        read(repacked(**{f"word__media__{number}": b"" for number in range(5001)}))


def test_xml_entities_are_refused(read: Read, repacked: Callable[..., bytes]) -> None:
    hostile = f'<!DOCTYPE x [<!ENTITY a "aaaa">]><w:document {W}><w:body><w:p/></w:body></w:document>'
    with pytest.raises(CorruptDocument, match="entities"):
        read(repacked(word__document_xml=hostile.encode()))


def test_tables_end_before_a_row_that_is_too_much(read: Callable[..., Reading], tmp_path: Path) -> None:
    document = docx.Document()
    for text in ("short", "x" * 140_000, "never seen"):
        document.add_table(rows=1, cols=1).rows[0].cells[0].text = text
    document.save(str(tmp_path / "long.docx"))
    reading = read(tmp_path / "long.docx")
    assert [table.rows for table in reading.tables] == [(("short",),), ()]
    assert [warning.code for warning in reading.warnings] == ["TABLE_INCOMPLETE"]
    assert "never seen" in reading.text
