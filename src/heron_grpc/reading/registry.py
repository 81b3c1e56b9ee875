"""The formats that can be read, one line each."""

from heron_grpc.reading import media_types as types
from heron_grpc.reading.delimited import read_csv
from heron_grpc.reading.doc import read_doc
from heron_grpc.reading.docx import read_docx
from heron_grpc.reading.eml import read_eml, read_mbox
from heron_grpc.reading.html import read_html
from heron_grpc.reading.image import read_image
from heron_grpc.reading.json_values import read_json
from heron_grpc.reading.markdown import read_markdown
from heron_grpc.reading.msg import read_msg
from heron_grpc.reading.ods import read_ods
from heron_grpc.reading.odt import read_odt
from heron_grpc.reading.pdf import read_pdf
from heron_grpc.reading.pkcs7 import read_pkcs7
from heron_grpc.reading.pptx import read_pptx
from heron_grpc.reading.reader import Reader
from heron_grpc.reading.rtf import read_rtf
from heron_grpc.reading.sheets import read_archive_sheets, read_xls
from heron_grpc.reading.text import read_text
from heron_grpc.reading.xml import read_xml
from heron_grpc.reading.zip_archive import read_zip

READERS: tuple[Reader, ...] = (
    Reader((types.PDF,), (".pdf",), read_pdf),
    Reader((types.PLAIN,), (".txt", ".text"), read_text),
    Reader((types.CSV,), (".csv", ".tsv"), read_csv),
    Reader((types.MARKDOWN,), (".md", ".markdown"), read_markdown),
    Reader((types.HTML,), (".html", ".htm"), read_html),
    Reader((types.XML, types.SVG), (".xml", ".svg"), read_xml),
    Reader((types.JSON,), (".json", ".jsonl", ".ndjson"), read_json),
    Reader((types.DOCX,), (".docx", ".docm", ".dotx", ".dotm"), read_docx),
    Reader((types.DOC,), (".doc", ".dot"), read_doc),
    Reader((types.RTF,), (".rtf",), read_rtf),
    Reader((types.ODT, types.ODP), (".odt", ".ott", ".odp", ".otp"), read_odt),
    Reader((types.PPTX,), (".pptx", ".pptm", ".potx", ".ppsx", ".ppsm"), read_pptx),
    Reader((types.XLSX, types.XLSB), (".xlsx", ".xlsm", ".xlsb"), read_archive_sheets),
    Reader((types.XLS,), (".xls",), read_xls),
    Reader((types.ODS,), (".ods",), read_ods),
    Reader((types.EML,), (".eml",), read_eml),
    Reader((types.MBOX,), (".mbox",), read_mbox),
    Reader((types.MSG,), (".msg",), read_msg),
    Reader((types.PKCS7,), (".p7m",), read_pkcs7),
    Reader((types.ZIP,), (".zip",), read_zip),
    Reader((types.JPEG,), (".jpg", ".jpeg", ".jpe"), read_image),
    Reader((types.PNG,), (".png",), read_image),
    Reader((types.TIFF,), (".tif", ".tiff"), read_image),
    Reader((types.WEBP,), (".webp",), read_image),
    Reader((types.HEIC,), (".heic", ".heif"), read_image),
    Reader((types.BMP,), (".bmp", ".dib"), read_image),
    Reader((types.GIF,), (".gif",), read_image),
)


def find_reader(media_type: str) -> Reader | None:
    """The reader for a media type, if there is one."""
    return next((reader for reader in READERS if media_type in reader.media_types), None)


def media_types() -> tuple[str, ...]:
    """Every media type that can be read, sorted."""
    return tuple(sorted(media_type for reader in READERS for media_type in reader.media_types))


def suffixes() -> tuple[str, ...]:
    """Usual file name endings of what can be read, sorted, with their dot."""
    return tuple(sorted(suffix for reader in READERS for suffix in reader.suffixes))
