"""Which pages of a document are read."""

from heron_grpc.domain.document import DocumentWarning
from heron_grpc.reading.reader import ReadOptions

STAGE = "read"


def select_pages(count: int, options: ReadOptions) -> tuple[list[int], list[DocumentWarning]]:
    """1-based numbers in order, at most `max_pages`, and what was left out as warnings."""
    wanted = range(1, count + 1)
    chosen = [number for number in wanted if not options.page_ranges or _is_in(number, options.page_ranges)]
    warnings = []
    if options.page_ranges and any(last > count for _, last in options.page_ranges):
        warnings.append(
            DocumentWarning("PAGES_OUT_OF_RANGE", f"the document has {count} pages, fewer than asked for", STAGE)
        )
    if len(chosen) > options.settings.max_pages:
        chosen = chosen[: options.settings.max_pages]
        warnings.append(
            DocumentWarning("PAGES_LEFT_OUT", f"only {len(chosen)} of {count} pages were read: the limit", STAGE)
        )
    return chosen, warnings


def _is_in(number: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= number <= last for first, last in ranges)
