"""Reading PDFs without a service around it: pypdfium2 in one process a core, the text of all pages."""

import multiprocessing
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pypdfium2

from benchmarks.load.fleet import Measured
from benchmarks.load.tally import OK, Tally

_WARM_S = 0.3


def measure(files: Sequence[Path], seconds: float) -> Measured:
    """Documents read in the window, over all processes. Blocks."""
    context = multiprocessing.get_context("spawn")
    cores = len(os.sched_getaffinity(0))
    barrier, queue = context.Barrier(cores), context.SimpleQueue()
    processes = [
        context.Process(target=_process, args=(files[index::cores], seconds, (barrier, queue)), daemon=True)
        for index in range(cores)
    ]
    for process in processes:
        process.start()
    total = Tally(seconds)
    for _ in processes:
        total.merge(queue.get())
    for process in processes:
        process.join()
    return Measured([total], {}, 0.0)


def text_of(file: Path) -> str:
    """The text of all pages."""
    document = pypdfium2.PdfDocument(file)
    try:
        return "\f".join(page.get_textpage().get_text_range() for page in document)
    finally:
        document.close()


def _process(files: Sequence[Path], seconds: float, shared: tuple[Any, Any]) -> None:
    barrier, queue = shared
    text_of(files[0])
    barrier.wait()
    opens = time.monotonic() + _WARM_S
    tally = Tally(seconds)
    number = 0
    while (began := time.monotonic()) < opens + seconds:
        text_of(files[number % len(files)])
        number += 1
        if opens <= time.monotonic() < opens + seconds:
            tally.add(OK, time.monotonic() - began)
    queue.put(tally)
