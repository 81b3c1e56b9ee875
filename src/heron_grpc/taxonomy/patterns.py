"""Compiles the patterns of rules and refuses those that could take long on a hostile text."""

import re
from re import _constants as ops  # type: ignore[attr-defined]  # typeshed leaves the parser out
from re import _parser as parser  # type: ignore[attr-defined]  # likewise
from typing import Any

from heron_grpc.domain.text_pattern import TextPattern
from heron_grpc.taxonomy.needles import needles_of, phrases_of

# Ways a pattern may be tried from one place in the text; times 20,000 characters this stays under a second.
MAX_WAYS = 1000
# A space in a pattern: a gap between words, line breaks included. Possessive, so it is never tried twice.
_GAP = r"\s{1,4}+"
_OPTIONAL_GAP = r"(?:\s{1,4}+)?+"
_REPEATS = (ops.MAX_REPEAT, ops.MIN_REPEAT)
_FLAGS = re.IGNORECASE | re.MULTILINE


def compile_pattern(text: str) -> TextPattern:
    """A rule's pattern: case does not matter, ^ and $ are line ends, a space is a gap of 1 to 4 white characters.

    Every repeat needs an upper bound, back references are refused, and all choices together may not exceed MAX_WAYS.
    Raises ValueError with the reason.
    """
    source = text.replace(" ?", _OPTIONAL_GAP).replace(" ", _GAP)
    try:
        regex = re.compile(source, _FLAGS)
        parsed = parser.parse(source, _FLAGS)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"bad pattern: {error}") from error
    if parsed.getwidth()[0] == 0:
        raise ValueError("bad pattern: it may match nothing at all")
    if _ways(parsed) > MAX_WAYS:
        raise ValueError("bad pattern: it could take too long; bound its repeats or split it")
    return TextPattern(regex, needles_of(parsed), phrases_of(parsed))


def _ways(node: Any) -> int:
    """How many ways a parsed pattern can match from one place, as an upper bound; MAX_WAYS + 1 for too many."""
    total = 1
    for op, argument in node:
        total *= _ways_of(op, argument)
        if total > MAX_WAYS:
            return MAX_WAYS + 1
    return total


def _ways_of(op: Any, argument: Any) -> int:
    if op in _REPEATS:
        low, high, body = argument
        inner = _ways(body)
        if high is parser.MAXREPEAT:
            return MAX_WAYS + 1
        return int(high - low + 1) if inner == 1 else int(inner ** min(high, 12)) + int(high - low)
    if op is ops.POSSESSIVE_REPEAT:
        return MAX_WAYS + 1 if argument[1] is parser.MAXREPEAT else _ways(argument[2])
    if op is ops.BRANCH:
        # An upper bound would be the sum, but alternatives that share no beginning fail at once.
        return max(_ways(branch) for branch in argument[1])
    if op in {ops.GROUPREF, ops.GROUPREF_EXISTS}:
        return MAX_WAYS + 1
    return _ways(_body(op, argument))


def _body(op: Any, argument: Any) -> Any:
    """What stands inside a group or an assertion; nothing for what is no group."""
    if op in {ops.SUBPATTERN, ops.ATOMIC_GROUP, ops.ASSERT, ops.ASSERT_NOT}:
        return argument if op is ops.ATOMIC_GROUP else argument[-1]
    return ()
