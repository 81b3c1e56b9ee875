"""Plots of a report as SVG that stands in a page: no library draws them, and equal figures give equal bytes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from math import floor

from heron_grpc.lab.curves import CoveragePoint, ReliabilityBin
from heron_grpc.lab.measures import Share

# Pixels.
_SIDE, _MARGIN = 320, 44
_ROW, _LABELS, _BAR = 18, 250, 260
# What fits beside an interval.
_LONGEST_NAME = 40


@dataclass(frozen=True, slots=True)
class _Frame:
    """A square of 0 to 1 across and `floor` to 1 upwards, and where its points lie in the picture."""

    floor: float = 0.0

    def x(self, value: float) -> float:
        return round(_MARGIN + value * _SIDE, 1)

    def y(self, value: float) -> float:
        return round(12 + (1 - (max(value, self.floor) - self.floor) / (1 - self.floor)) * _SIDE, 1)

    def drawn(self, across: str, upwards: str, content: Iterable[str]) -> str:
        """The picture with its axes; what stands in it comes on top."""
        parts = [f'<rect class="frame" x="{_MARGIN}" y="12" width="{_SIDE}" height="{_SIDE}"/>']
        for step in range(6):
            value = self.floor + (1 - self.floor) * step / 5
            parts += [
                f'<line class="grid" x1="{_MARGIN}" x2="{_MARGIN + _SIDE}" y1="{self.y(value)}" y2="{self.y(value)}"/>',
                f'<text class="end" x="{_MARGIN - 5}" y="{self.y(value) + 4}">{value:.2f}</text>',
                f'<text class="middle" x="{self.x(step / 5)}" y="{_SIDE + 27}">{step / 5:.1f}</text>',
            ]
        middle = 12 + _SIDE / 2
        parts += [
            f'<text class="middle" x="{self.x(0.5)}" y="{_SIDE + 44}">{escape(across)}</text>',
            f'<text class="middle" transform="translate(10 {middle}) rotate(-90)">{escape(upwards)}</text>',
        ]
        return _picture(_MARGIN + _SIDE + 14, _SIDE + 52, [*parts, *content], f"{upwards} by {across}")


def reliability_plot(bins: Sequence[ReliabilityBin]) -> str:
    """Accuracy of each bin at its mean confidence, with interval; the larger the dot, the more documents."""
    frame = _Frame()
    most = max((found.accuracy.documents for found in bins), default=1)
    parts = [f'<line class="guide" x1="{frame.x(0)}" y1="{frame.y(0)}" x2="{frame.x(1)}" y2="{frame.y(1)}"/>']
    for found in bins:
        share, x = found.accuracy, frame.x(found.mean_confidence)
        radius = round(3 + 7 * (share.documents / most) ** 0.5, 1)
        told = f"{share.documents} documents: confidence {found.mean_confidence:.3f}, accuracy {share.value:.3f}"
        parts += [
            f'<line class="whisker" x1="{x}" x2="{x}" y1="{frame.y(share.low)}" y2="{frame.y(share.high)}"/>',
            f'<circle class="mark" cx="{x}" cy="{frame.y(share.value)}" r="{radius}"><title>{told}</title></circle>',
        ]
    return frame.drawn("confidence", "accuracy", parts)


def coverage_plot(points: Sequence[CoveragePoint]) -> str:
    """Accuracy of the surest documents by their share of all, with its interval as a band."""
    # A little below the lowest value, in steps of a tenth.
    lowest = min((point.accuracy.value for point in points), default=0.0)
    frame = _Frame(max(0.0, min(0.9, floor(lowest * 10) / 10 - 0.1)))
    low = [f"{frame.x(point.coverage)},{frame.y(point.accuracy.low)}" for point in points]
    high = [f"{frame.x(point.coverage)},{frame.y(point.accuracy.high)}" for point in points]
    line = [f"{frame.x(point.coverage)},{frame.y(point.accuracy.value)}" for point in points]
    parts = [
        f'<polygon class="band" points="{" ".join([*low, *reversed(high)])}"/>',
        f'<polyline class="line" points="{" ".join(line)}"/>',
    ]
    for point in points:
        told = f"confidence from {point.confidence:.3f}: {point.coverage:.1%} of documents, {point.accuracy.value:.3f}"
        x, y = frame.x(point.coverage), frame.y(point.accuracy.value)
        parts.append(f'<circle class="dot" cx="{x}" cy="{y}" r="2"><title>{told}</title></circle>')
    return frame.drawn("share of documents answered, surest first", "accuracy", parts)


def interval_plot(rows: Sequence[tuple[str, Share]]) -> str:
    """A line a share: its name, its value as a mark with the 95 % interval, and of how many documents."""
    frame_height = len(rows) * _ROW + 24
    parts = []
    for step in range(6):
        x = _LABELS + _BAR * step / 5
        parts += [
            f'<line class="grid" x1="{x}" x2="{x}" y1="2" y2="{len(rows) * _ROW + 4}"/>',
            f'<text class="middle" x="{x}" y="{frame_height - 4}">{step / 5:.1f}</text>',
        ]
    for number, (name, share) in enumerate(rows):
        y = number * _ROW + 12
        x1, x2, x = (round(_LABELS + _BAR * value, 1) for value in (share.low, share.high, share.value))
        parts += [
            f'<text class="end" x="{_LABELS - 8}" y="{y + 4}">{escape(_shortened(name))}</text>',
            f'<line class="whisker" x1="{x1}" x2="{x2}" y1="{y}" y2="{y}"/>',
            f'<circle class="mark" cx="{x}" cy="{y}" r="4"><title>{share.value:.3f}</title></circle>',
            f'<text x="{_LABELS + _BAR + 10}" y="{y + 4}">{share.value:.3f} of {share.documents}</text>',
        ]
    return _picture(_LABELS + _BAR + 100, frame_height, parts, "shares with their intervals") if rows else ""


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def _picture(width: int, height: int, parts: Iterable[str], told: str) -> str:
    content = "".join(parts)
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{escape(told)}" {size}>{content}</svg>'
