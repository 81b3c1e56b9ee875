"""Where what is written on a PDF page is seen: cropped to what viewers show, and turned."""

from collections.abc import Callable, Iterable

import pypdfium2 as pdfium

from heron_grpc.domain.document import Box


def around(boxes: Iterable[Box]) -> Box:
    """The smallest box that holds all of them; there must be one."""
    lefts, tops, rights, bottoms = zip(*((box.x_min, box.y_min, box.x_max, box.y_max) for box in boxes), strict=True)
    return Box(min(lefts), min(tops), max(rights), max(bottoms))


class PageView:
    """From points of the page as written, origin bottom left, to fractions of the page as shown."""

    def __init__(self, page: pdfium.PdfPage) -> None:
        self._left, bottom, right, self._top = page.get_bbox()
        self._width, self._height = (right - self._left) or 1.0, (self._top - bottom) or 1.0
        self._turn = _TURNS[page.get_rotation() % 360]

    def box(self, left: float, bottom: float, right: float, top: float) -> Box:
        """What of the rectangle is shown; what is no number becomes 0."""
        x_min, y_min, x_max, y_max = self._turn(
            (left - self._left) / self._width,
            (self._top - top) / self._height,
            (right - self._left) / self._width,
            (self._top - bottom) / self._height,
        )
        if 0.0 <= x_min <= x_max <= 1.0 and 0.0 <= y_min <= y_max <= 1.0:
            return Box(x_min, y_min, x_max, y_max)
        across, down = sorted((_clamp(x_min), _clamp(x_max))), sorted((_clamp(y_min), _clamp(y_max)))
        return Box(across[0], down[0], across[1], down[1])


# By clockwise degrees, for the left, upper, right and lower edge.
_TURNS: dict[int, Callable[[float, float, float, float], tuple[float, float, float, float]]] = {
    0: lambda left, upper, right, lower: (left, upper, right, lower),
    90: lambda left, upper, right, lower: (1 - lower, left, 1 - upper, right),
    180: lambda left, upper, right, lower: (1 - right, 1 - lower, 1 - left, 1 - upper),
    270: lambda left, upper, right, lower: (upper, 1 - right, lower, 1 - left),
}


def _clamp(value: float) -> float:
    return min(max(0.0, value), 1.0)
