"""What lies on a PDF page without being its content: form fields, text typed onto it, comments, pinned files."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

_MOST = 2000
# Drawn like the content of the page, but in no text layer; fields are drawn even without an appearance of their own.
_LIKE_CONTENT = frozenset({pdfium_c.FPDF_ANNOT_FREETEXT, pdfium_c.FPDF_ANNOT_STAMP})
_COMMENTS = frozenset(
    {
        pdfium_c.FPDF_ANNOT_TEXT,
        pdfium_c.FPDF_ANNOT_FREETEXT,
        pdfium_c.FPDF_ANNOT_HIGHLIGHT,
        pdfium_c.FPDF_ANNOT_UNDERLINE,
        pdfium_c.FPDF_ANNOT_STRIKEOUT,
        pdfium_c.FPDF_ANNOT_SQUIGGLY,
        pdfium_c.FPDF_ANNOT_CARET,
    }
)
_BUTTONS = frozenset({pdfium_c.FPDF_FORMFIELD_CHECKBOX, pdfium_c.FPDF_FORMFIELD_RADIOBUTTON})
_NO_VALUE = frozenset({pdfium_c.FPDF_FORMFIELD_PUSHBUTTON, pdfium_c.FPDF_FORMFIELD_SIGNATURE})
# Bytes of a UTF-16 text without a character: its end.
_END = 2


@dataclass(slots=True)
class Annotations:
    """What was found on a page."""

    # Name and value of fields that are filled in, in the order of the page.
    fields: list[tuple[str, str]] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    # Which annotations, from 0, are files pinned to the page.
    files: list[int] = field(default_factory=list)
    # Whether some are drawn like content.
    has_text: bool = False


def find_annotations(document: pdfium.PdfDocument, page: pdfium.PdfPage) -> Annotations:
    """A few us each; the page has at most 2,000."""
    found = Annotations()
    for index in range(min(pdfium_c.FPDFPage_GetAnnotCount(page.raw), _MOST)):
        if annotation := pdfium_c.FPDFPage_GetAnnot(page.raw, index):
            _add(found, document, annotation, index)
            pdfium_c.FPDFPage_CloseAnnot(annotation)
    return found


def wide_text(get: Callable[..., int]) -> str:
    """What PDFium writes as UTF-16 to a place of a size; `get` returns the size needed."""
    size = get(None, 0)
    if size <= _END:
        return ""
    units = (pdfium_c.FPDF_WCHAR * (size // 2 + 1))()
    get(units, size)
    return bytes(units)[: size - _END].decode("utf-16-le", "replace")


def _add(found: Annotations, document: pdfium.PdfDocument, annotation: pdfium_c.FPDF_ANNOTATION, index: int) -> None:
    kind = pdfium_c.FPDFAnnot_GetSubtype(annotation)
    if kind == pdfium_c.FPDF_ANNOT_LINK:
        return
    is_drawn = kind == pdfium_c.FPDF_ANNOT_WIDGET or (kind in _LIKE_CONTENT and _has_look(annotation))
    found.has_text = found.has_text or is_drawn
    if kind == pdfium_c.FPDF_ANNOT_FILEATTACHMENT:
        found.files.append(index)
    elif kind == pdfium_c.FPDF_ANNOT_WIDGET and document.formenv:
        name, value = _field(document.formenv.raw, annotation)
        found.fields += [(name, value)] if value else []
    elif kind in _COMMENTS and not is_drawn:
        comment = wide_text(lambda *place: pdfium_c.FPDFAnnot_GetStringValue(annotation, b"Contents", *place))
        found.comments += [comment] if comment.strip() else []


def _has_look(annotation: pdfium_c.FPDF_ANNOTATION) -> bool:
    size: int = pdfium_c.FPDFAnnot_GetAP(annotation, pdfium_c.FPDF_ANNOT_APPEARANCEMODE_NORMAL, None, 0)
    return size > _END


def _field(form: pdfium_c.FPDF_FORMHANDLE, annotation: pdfium_c.FPDF_ANNOTATION) -> tuple[str, str]:
    """Its name, and its value: of a button the one it stands for when it is on."""
    kind = pdfium_c.FPDFAnnot_GetFormFieldType(form, annotation)
    get = pdfium_c.FPDFAnnot_GetFormFieldValue
    if kind in _NO_VALUE or (kind in _BUTTONS and not pdfium_c.FPDFAnnot_IsChecked(form, annotation)):
        return "", ""
    if kind in _BUTTONS:
        get = pdfium_c.FPDFAnnot_GetFormFieldExportValue
    name = wide_text(lambda *place: pdfium_c.FPDFAnnot_GetFormFieldName(form, annotation, *place))
    return name, wide_text(lambda *place: get(form, annotation, *place))
