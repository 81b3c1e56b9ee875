"""Which languages can be recognised, and Tesseract's names for them."""

from collections.abc import Iterable
from pathlib import Path

from heron_grpc.domain.document import DocumentWarning
from heron_grpc.settings import ReadingSettings, tessdata_prefix

STAGE = "ocr"
_SUFFIX = ".traineddata"
# Where Debian, Fedora, Alpine, local builds and Homebrew put them.
_USUAL_PLACES = (
    "usr/share/tesseract-ocr/*/tessdata",
    "usr/share/tesseract/*/tessdata",
    "usr/share/tessdata",
    "usr/local/share/tessdata",
    "opt/homebrew/share/tessdata",
)
SCRIPT_DETECTION = "osd"
# No languages: orientation and script, and equations.
_NO_LANGUAGES = frozenset({SCRIPT_DETECTION, "equ"})

# BCP-47 primary language -> Tesseract's name, for its European languages and the widest spoken others.
_NAMES = {
    "af": "afr",
    "ar": "ara",
    "bg": "bul",
    "bn": "ben",
    "bs": "bos",
    "ca": "cat",
    "cs": "ces",
    "cy": "cym",
    "da": "dan",
    "de": "deu",
    "el": "ell",
    "en": "eng",
    "eo": "epo",
    "es": "spa",
    "et": "est",
    "eu": "eus",
    "fa": "fas",
    "fi": "fin",
    "fil": "fil",
    "fr": "fra",
    "ga": "gle",
    "gl": "glg",
    "gu": "guj",
    "he": "heb",
    "hi": "hin",
    "hr": "hrv",
    "hu": "hun",
    "hy": "hye",
    "id": "ind",
    "is": "isl",
    "it": "ita",
    "ja": "jpn",
    "ka": "kat",
    "kk": "kaz",
    "kn": "kan",
    "ko": "kor",
    "la": "lat",
    "lb": "ltz",
    "lt": "lit",
    "lv": "lav",
    "mk": "mkd",
    "ml": "mal",
    "mr": "mar",
    "ms": "msa",
    "mt": "mlt",
    "nb": "nor",
    "nl": "nld",
    "nn": "nor",
    "no": "nor",
    "pa": "pan",
    "pl": "pol",
    "pt": "por",
    "ro": "ron",
    "ru": "rus",
    "sk": "slk",
    "sl": "slv",
    "sq": "sqi",
    "sr": "srp",
    "sv": "swe",
    "sw": "swa",
    "ta": "tam",
    "te": "tel",
    "th": "tha",
    "tr": "tur",
    "uk": "ukr",
    "ur": "urd",
    "vi": "vie",
    "zh": "chi_sim",
}
_TRADITIONAL_CHINESE = frozenset({"hant", "tw", "hk", "mo"})


def languages(settings: ReadingSettings) -> tuple[str, ...]:
    """Tesseract's names of the languages installed, sorted; looks at file names alone."""
    folder = tessdata_dir(settings)
    return _installed(folder) if folder else ()


def has_script_detection(settings: ReadingSettings) -> bool:
    """Whether it can be told in which script a page is."""
    folder = tessdata_dir(settings)
    return folder is not None and (folder / f"{SCRIPT_DETECTION}{_SUFFIX}").exists()


def language_codes(settings: ReadingSettings) -> tuple[str, ...]:
    """BCP-47 codes of the languages installed, sorted; those without a code are left out."""
    installed = set(languages(settings))
    codes = {code for code, name in _NAMES.items() if name in installed}
    return tuple(sorted(codes | ({"zh-Hant"} if "chi_tra" in installed else set())))


def tessdata_dir(settings: ReadingSettings) -> Path | None:
    """The first place that holds language files: the setting's, TESSDATA_PREFIX's, the usual ones'."""
    if settings.tessdata_dir:
        return Path(settings.tessdata_dir)
    prefix = tessdata_prefix()
    named = (Path(prefix), Path(prefix) / "tessdata") if prefix else ()
    usual = (place for pattern in _USUAL_PLACES for place in sorted(Path("/").glob(pattern), reverse=True))
    return next((place for place in (*named, *usual) if _installed(place)), None)


def choose_languages(
    wanted: Iterable[str], installed: Iterable[str], default: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[DocumentWarning, ...]]:
    """Names of the wanted (BCP-47) languages that are installed, else the default ones; the rest become warnings."""
    chosen: list[str] = []
    missing: list[str] = []
    for code in wanted:
        name = tesseract_name(code)
        if name in set(installed):
            chosen.append(name)
        else:
            missing.append(code)
    if not missing:
        return tuple(dict.fromkeys(chosen)) or default, ()
    message = f"text recognition lacks {', '.join(missing)}; it was done for {'+'.join(chosen or default)}"
    return tuple(dict.fromkeys(chosen)) or default, (DocumentWarning("OCR_LANGUAGE_MISSING", message, STAGE),)


def tesseract_name(code: str) -> str:
    """Tesseract's name for a BCP-47 code; "" when there is none."""
    primary, *subtags = code.lower().replace("_", "-").split("-")
    if primary == "zh" and not _TRADITIONAL_CHINESE.isdisjoint(subtags):
        return "chi_tra"
    return _NAMES.get(primary, "")


def package_of(name: str) -> str:
    """Debian's package of a language, by Tesseract's name."""
    return f"tesseract-ocr-{name.replace('_', '-').lower()}"


def _installed(folder: Path) -> tuple[str, ...]:
    names = (path.name.removesuffix(_SUFFIX) for path in folder.glob(f"*{_SUFFIX}"))
    return tuple(sorted(name for name in names if name not in _NO_LANGUAGES))
