"""JSON (RFC 8259) and JSON lines: a line "path: value" for each value, lists of flat objects as tables."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import ijson

from heron_grpc.domain.document import DocumentWarning
from heron_grpc.domain.steps import Step
from heron_grpc.reading.page_flow import PageFlow
from heron_grpc.reading.page_selection import STAGE
from heron_grpc.reading.reader import ReadOptions
from heron_grpc.reading.soundness import MOST_CELLS
from heron_grpc.reading.text import encoding_warnings, load_text, read_text
from heron_grpc.settings import MIB

# Python's parser needs some ten times as much memory; above, values are read one by one as they come.
_MOST_BYTES_AT_ONCE = 16 * MIB
_DEEPEST = 100
_MOST_COLUMNS = 200

# Objects are tuples of their members, in order, also those named twice; numbers are text as they stand.
Value = str | bool | list["Value"] | tuple[tuple[str, "Value"], ...] | None


def read_json(path: str, options: ReadOptions) -> Iterator[Step]:
    """One page. What is no JSON after all is read as plain text, with a warning. Raises CorruptDocument for no text."""
    flow = PageFlow()
    try:
        if Path(path).stat().st_size > _MOST_BYTES_AT_ONCE:
            _add_streamed(path, flow, options.settings.max_text_chars)
        else:
            decoded = load_text(path, options)
            _add(_parsed(decoded.text), "", flow, 0)
            yield from encoding_warnings(decoded)
    except (ValueError, RecursionError, ijson.JSONError):
        yield from read_broken(path, options, "JSON")
        return
    yield from flow.steps(options)


def read_broken(path: str, options: ReadOptions, kind: str) -> Iterator[Step]:
    """As plain text, with a warning."""
    message = f"the document is not well-formed {kind}, or too large or deep for it; it was read as plain text"
    yield DocumentWarning("SYNTAX_BROKEN", message, STAGE)
    yield from read_text(path, options)


def _parsed(text: str) -> Value:
    """The value, or the list of the values on each line. Raises ValueError and RecursionError."""
    try:
        return _loads(text)
    except ValueError:
        lines = [line for line in text.split("\n") if line.strip()]
        if len(lines) < 2:
            raise
        return [_loads(line) for line in lines]


def _loads(text: str) -> Value:
    value: Value = json.loads(text, parse_int=str, parse_float=str, parse_constant=str, object_pairs_hook=tuple)
    return value


def _add(value: Value, path: str, flow: PageFlow, depth: int) -> None:
    """Raises RecursionError for what is nested too deeply."""
    if depth > _DEEPEST:
        raise RecursionError
    if isinstance(value, list) and (rows := _table(value)):
        flow.line(f"{path}:" if path else "")
        flow.table(rows)
    elif isinstance(value, list) and not all(map(_is_scalar, value)):
        for at, each in enumerate(value, 1):
            _add(each, f"{path}[{at}]", flow, depth + 1)
    elif isinstance(value, tuple):
        for name, each in value:
            _add(each, f"{path}.{name}" if path else name, flow, depth + 1)
    else:
        _line(flow.line, path, _shown(value))


def _line(add: Callable[[str], None], path: str, text: str) -> None:
    if text:
        add(f"{path}: {text}" if path else text)


def _table(values: list[Value]) -> list[list[str]]:
    """Rows of a list of two or more objects whose values are scalars or lists of them, under all their names."""
    objects = [value for value in values if isinstance(value, tuple)]
    if len(objects) < max(len(values), 2):
        return []
    names = list(dict.fromkeys(name for each in objects for name, _ in each))
    if not 0 < len(names) <= _MOST_COLUMNS or len(names) * len(objects) > MOST_CELLS:
        return []
    if not all(_is_flat(value) for each in objects for _, value in each):
        return []
    members = map(dict, objects)
    return [names, *([_shown(each.get(name)) for name in names] for each in members)]


def _is_scalar(value: Value) -> bool:
    return not isinstance(value, list | tuple)


def _is_flat(value: Value) -> bool:
    return all(map(_is_scalar, value)) if isinstance(value, list) else not isinstance(value, tuple)


def _shown(value: Value) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case list():
            return ", ".join(filter(None, map(_shown, value)))
        case _:
            return ""


def _add_streamed(path: str, flow: PageFlow, chars: int) -> None:
    """Values as they come, up to so many code points. Raises ijson.JSONError, ValueError and RecursionError."""
    names: list[str] = []
    with Path(path).open("rb") as file:
        for event, value in ijson.basic_parse(file, multiple_values=True, use_float=False):
            if event in {"start_map", "start_array"}:
                names.append("")
                if len(names) > _DEEPEST:
                    raise RecursionError
            elif event in {"end_map", "end_array"}:
                names.pop()
            elif event == "map_key":
                names[-1] = value
            elif event != "null":
                text = _shown(value) if event == "boolean" else str(value)
                name = ".".join(filter(None, names))
                _line(flow.line, name, text)
                chars -= len(name) + len(text) + 3
            if chars < 0:
                return
