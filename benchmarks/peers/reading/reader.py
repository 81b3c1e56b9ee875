"""Reads the files that standard input names with one library, and answers with their texts and what each took.

Runs in that library's environment: beside it, only the standard library is imported.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

Reader = Callable[[str], str]


def main() -> None:
    """Argument: a name of READERS. Every file is read twice: what a library loads when it needs it is not counted."""
    answers_to = os.dup(1)
    # Some libraries print.
    os.dup2(2, 1)
    read = READERS[sys.argv[1]]()
    names = json.load(sys.stdin)
    for name in names:
        _answer(read, name)
    with os.fdopen(answers_to, "w") as out:
        json.dump([_answer(read, name) for name in names], out)


def _answer(read: Reader, name: str) -> dict[str, object]:
    text, error = "", ""
    began = _cpu_s()
    try:
        text = read(name)
    except Exception as raised:  # noqa: BLE001  whatever a library raises is an error of its own
        error = type(raised).__name__
    return {"text": text, "error": error, "cpu_s": _cpu_s() - began}


def _cpu_s() -> float:
    """Of this process and the programs it started."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _heron(*, with_ocr: bool = False, with_words: bool = False) -> Reader:
    from heron_grpc.domain.document import OcrMode, ReadRequest  # noqa: PLC0415
    from heron_grpc.domain.steps import gather  # noqa: PLC0415
    from heron_grpc.reading.read_document import read_document  # noqa: PLC0415
    from heron_grpc.settings import ReadingSettings  # noqa: PLC0415

    settings = ReadingSettings(ocr_budget_s=600)
    ocr = OcrMode.AUTO if with_ocr else OcrMode.NEVER

    def read(name: str) -> str:
        request = ReadRequest(name, Path(name).name, ocr, with_words=with_words)
        reading = gather(read_document(request, settings))
        # The others write these into their texts.
        names = [reading.metadata.get("title", ""), *(part.name for part in reading.parts)]
        return "\n".join([*names, reading.text])

    return read


def _kreuzberg(*, with_ocr: bool = False) -> Reader:
    import kreuzberg  # noqa: PLC0415

    # Its cache would answer the second time.
    options = {"ocr": kreuzberg.OcrConfig(backend="tesseract", language="eng")} if with_ocr else {"disable_ocr": True}
    config = kreuzberg.ExtractionConfig(use_cache=False, **options)
    return lambda name: str(kreuzberg.extract_file_sync(name, config=config).content)


def _markitdown() -> Reader:
    import markitdown  # noqa: PLC0415

    converter = markitdown.MarkItDown(enable_plugins=False)
    return lambda name: str(converter.convert_local(name).text_content)


READERS: dict[str, Callable[[], Reader]] = {
    "heron": _heron,
    "heron, word boxes": lambda: _heron(with_words=True),
    "heron, OCR": lambda: _heron(with_ocr=True),
    "kreuzberg": _kreuzberg,
    "kreuzberg, OCR": lambda: _kreuzberg(with_ocr=True),
    "markitdown": _markitdown,
}


if __name__ == "__main__":
    main()
