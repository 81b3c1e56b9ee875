"""Finds the strings that every match of a parsed regular expression holds."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from re import _constants as ops  # type: ignore[attr-defined]  # typeshed leaves the parser out
from typing import Any

from heron_grpc.domain.text_pattern import Needle, folded, spaced

# Needles in place of a part that can be spelled differently; each costs a search of the text.
_MOST_NEEDLES = 8
# Phrases are all looked for at once.
_MOST_PHRASES = 24
# Characters of a needle that few texts hold by chance.
_LONG_NEEDLE = 4
# `folded` makes equal what regular expressions hold equal up to Latin Extended-A, but for the micro sign.
_LAST_LETTER, _MICRO_SIGN = 0x17F, 0xB5
_GROUPS = (ops.SUBPATTERN, ops.ATOMIC_GROUP)
_REPEATS = (ops.MAX_REPEAT, ops.MIN_REPEAT, ops.POSSESSIVE_REPEAT)
_WHITE = [(ops.IN, [(ops.CATEGORY, ops.CATEGORY_SPACE)])]


def needles_of(parsed: Any) -> tuple[Needle, ...]:
    """Folded strings one of which every match holds, with their places in it; empty when there are none for sure."""
    return tuple(dict.fromkeys(_Search(gap=(), most=_MOST_NEEDLES, worth=_worth_of_needle).needles(parsed)))


def phrases_of(parsed: Any) -> tuple[str, ...]:
    """The same in texts whose gaps are one space each, so that phrases may go on beyond a word."""
    found = _Search(gap=(" ",), most=_MOST_PHRASES, worth=_worth_of_phrase).needles(parsed)
    return tuple(dict.fromkeys(spaced(needle.text) for needle in found))


@dataclass(frozen=True, slots=True)
class _Search:
    """What a gap is spelled as (nothing: not at all), how many needles may stand together, what one is worth."""

    gap: tuple[str, ...]
    most: int
    worth: Callable[[Needle], tuple[int, float]]

    def needles(self, node: Any) -> tuple[Needle, ...]:
        """The best needles of all parts and of parts that follow each other."""
        best: tuple[Needle, ...] = ()
        start = 0
        run: tuple[str, ...] = ("",)
        for index, (op, argument) in enumerate(node):
            best = self._better(best, _shifted(self._within(op, argument), node, index))
            spelled = self._spelled(op, argument)
            longer = self._joined(run, spelled)
            if not longer:
                start, longer = (index, spelled) if spelled else (index + 1, ("",))
            run = longer
            best = self._better(best, _shifted(map(Needle, run), node, start))
        return best

    def _within(self, op: Any, argument: Any) -> tuple[Needle, ...]:
        if op is ops.BRANCH:
            branches = [self.needles(branch) for branch in argument[1]]
            return tuple(needle for needles in branches for needle in needles) if all(branches) else ()
        if op in _GROUPS:
            return self.needles(_inside(op, argument))
        if op in _REPEATS and argument[0] > 0:
            return self.needles(argument[2])
        return ()

    def _better(self, one: tuple[Needle, ...], other: tuple[Needle, ...]) -> tuple[Needle, ...]:
        """The needles worth more, of equals the fewer."""
        return max(one, other, key=lambda needles: (*min(map(self.worth, needles), default=(0, 0.0)), -len(needles)))

    def _spelled(self, op: Any, argument: Any) -> tuple[str, ...]:
        """All folded texts that a part matches, where they are few; else none."""
        if op in _REPEATS:
            return self._repeated(*argument)
        if op in {ops.IN, ops.BRANCH}:
            branches = [[part] for part in argument] if op is ops.IN else argument[1]
            spelled = [self._spelled_all(branch) for branch in branches]
            return self._few(text for texts in spelled for text in texts) if all(spelled) else ()
        if op in _GROUPS:
            return self._spelled_all(_inside(op, argument))
        if op is ops.LITERAL:
            return (folded(chr(argument)),) if _is_plain(argument) else ()
        return ("",) if op is ops.AT else ()

    def _repeated(self, least: int, most: int, body: Any) -> tuple[str, ...]:
        if least > 0 and list(body) == _WHITE:
            return self.gap
        spelled = self._spelled_all(body)
        return self._few(("", *spelled)) if (least, most) == (0, 1) and spelled else ()

    def _spelled_all(self, node: Any) -> tuple[str, ...]:
        run: tuple[str, ...] = ("",)
        for op, argument in node:
            run = self._joined(run, self._spelled(op, argument))
        return run

    def _joined(self, run: tuple[str, ...], following: tuple[str, ...]) -> tuple[str, ...]:
        return self._few(one + other for one in run for other in following)

    def _few(self, texts: Iterable[str]) -> tuple[str, ...]:
        different = tuple(dict.fromkeys(texts))
        return different if len(different) <= self.most else ()


def _shifted(needles: Iterable[Needle], node: Any, start: int) -> tuple[Needle, ...]:
    """Needles of a part, placed behind the parts before it."""
    least, most = node[:start].getwidth()
    return tuple(Needle(needle.text, int(least) + needle.least, int(most) + needle.most) for needle in needles)


def _inside(op: Any, argument: Any) -> Any:
    return argument if op is ops.ATOMIC_GROUP else argument[-1]


def _is_plain(code: int) -> bool:
    """Whether `folded` makes everything equal that the regular expression holds equal to this character."""
    return code <= _LAST_LETTER and code != _MICRO_SIGN and not chr(code).isspace()


def _worth_of_needle(needle: Needle) -> tuple[int, float]:
    """The longer it is the fewer texts hold it; the more places a match could start from, the longer each takes."""
    length = len(needle.text)
    return min(length, _LONG_NEEDLE), length - (needle.most - needle.least) / 2


def _worth_of_phrase(needle: Needle) -> tuple[int, float]:
    return len(needle.text.strip()), 0.0
