"""`heron read`: documents in, their text, JSON or a searchable PDF out."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import BinaryIO

from rich.console import Console
from rich.progress import BarColumn as Bar
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from heron import Document, HeronClient, HeronServiceError, Reading, ReadOptions, ReadProgress
from heron_grpc.cli import exit_codes
from heron_grpc.cli.files import STDIN, expand, failure, printable, stdin
from heron_grpc.cli.reading_json import reading_json

_GRAVEST_FIRST = (exit_codes.AUTH, exit_codes.UNAVAILABLE, exit_codes.SOME_FAILED)


@dataclass(frozen=True, slots=True)
class Request:
    """Whom to ask, and how."""

    server: str
    options: ReadOptions
    password: str = ""
    # Sent for stdin, which has no name.
    filename: str = ""
    # For each document.
    timeout_s: float = 300.0

    def document(self, path: str) -> Document:
        """To be asked for."""
        if path == STDIN:
            return Document.from_file(stdin(), self.filename, password=self.password)
        return Document.from_file(path, password=self.password)


# Reads one document and prints it.
_Show = Callable[[HeronClient, str, Request], None]


def run_text(paths: list[str], request: Request) -> int:
    """Prints the pages' texts as they are read, a form feed between them; gives the exit status."""
    files = list(expand(paths))
    return _each(files, request, partial(_show_text, headed=len(files) > 1))


def run_json(paths: list[str], request: Request) -> int:
    """Prints an object a line for each document, also for one that failed; gives the exit status."""
    return _each(list(expand(paths)), request, _show_json, _print_json_failure)


def run_pdf(paths: list[str], request: Request, out: str) -> int:
    """Writes searchable PDFs: of one document to `out` ("-" is stdout), of several into that folder."""
    files = list(expand(paths))
    if len(files) > 1 and not Path(out).is_dir():
        print("heron: several documents need a folder to write to", file=sys.stderr)
        return exit_codes.USAGE
    return _each(files, request, partial(_write_pdf, out=out))


def _each(
    paths: list[str], request: Request, show: _Show, show_failure: Callable[[str, dict[str, str]], None] | None = None
) -> int:
    """The gravest of what happened; failures are told on stderr."""
    statuses = {exit_codes.OK}
    with HeronClient(request.server, request.timeout_s) as client:
        for path in paths:
            try:
                show(client, path, request)
            except (HeronServiceError, OSError) as error:
                if isinstance(error, BrokenPipeError):
                    return _left_alone()
                statuses.add(exit_codes.of(getattr(error, "code", None)))
                facts = failure(error)
                if show_failure:
                    show_failure(path, facts)
                _tell(path, f"{facts['reason'] or facts['code']}: {facts['message']}")
    return next((status for status in _GRAVEST_FIRST if status in statuses), exit_codes.OK)


def _left_alone() -> int:
    """Who reads the output, such as head, wants no more of it: what is still written at the end goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return exit_codes.OK


def _show_text(client: HeronClient, path: str, request: Request, *, headed: bool) -> None:
    if headed:
        print(f"==> {printable(path)} <==", flush=True)
    with client.read_pages(request.document(path), request.options) as pages:
        for index, page in enumerate(pages):
            print("\f" if index else "", page.text, sep="", flush=True)
        _tell_warnings(path, pages.reading)


def _show_json(client: HeronClient, path: str, request: Request) -> None:
    with _progress(path) as progress:
        reading = client.read(request.document(path), request.options, progress)
    print(json.dumps({"path": printable(path), **reading_json(reading), "error": None}, ensure_ascii=False), flush=True)


def _print_json_failure(path: str, facts: dict[str, str]) -> None:
    print(json.dumps({"path": printable(path), "error": facts}, ensure_ascii=False), flush=True)


def _write_pdf(client: HeronClient, path: str, request: Request, *, out: str) -> None:
    with _progress(path) as progress, _output(path, out) as file:
        reading = client.read(request.document(path), request.options, progress, file)
    _tell_warnings(path, reading)


@contextmanager
def _output(path: str, out: str) -> Iterator[BinaryIO]:
    """What takes the PDF of a document: a file appears when it is whole, and not before."""
    if out == STDIN:
        yield sys.stdout.buffer
        return
    wanted = Path(out)
    if wanted.is_dir():
        wanted /= f"{Path(path).stem if path != STDIN else 'stdin'}.pdf"
    with NamedTemporaryFile(dir=wanted.parent, prefix=".heron-", delete=False) as file:
        try:
            yield file  # type: ignore[misc]  # the wrapper has a binary file's methods
            file.flush()
            Path(file.name).chmod(0o666 & ~_umask())
            Path(file.name).replace(wanted)
        except BaseException:  # interrupted or not, half a PDF is none
            Path(file.name).unlink(missing_ok=True)
            raise


def _umask() -> int:
    """The process's, which can only be asked by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


@contextmanager
def _progress(path: str) -> Iterator[Callable[[ReadProgress], None] | None]:
    """A bar of pages, where somebody may be looking."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description}"), Bar(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(f"reading {printable(path)}", total=None)
        yield lambda so_far: bar.update(task, completed=so_far.pages, total=so_far.expected_pages or None)


def _tell_warnings(path: str, reading: Reading) -> None:
    for warning in reading.warnings:
        place = f"page {warning.page}: " if warning.page else ""
        _tell(path, f"{place}{warning.code}: {warning.message}")


def _tell(path: str, message: str) -> None:
    print(f"heron: {printable(path)}: {message}", file=sys.stderr)
