"""Which pages of a document are read."""

from heron_grpc.domain.document import DocumentWarning
from heron_grpc.reading.reader import ReadOptions

STAGE = "read"


def select_pages(count: int, options: ReadOptions) -> tuple[list[int], list[DocumentWarning]]:
    """1-based numbers in order, at most `max_pages`, and what was left out as warnings; to be asked once a document."""
    wanted = range(1, count + 1)
    chosen = [number for number in wanted if not options.page_ranges or _is_in(number, options.page_ranges)]
    warnings = []
    most = max(options.settings.max_pages - options.spent.chosen_pages, 0)
    if len(chosen) > most:
        chosen = chosen[:most]
        warnings.append(
            DocumentWarning("PAGES_LEFT_OUT", f"only {len(chosen)} of {count} pages were read: the limit", STAGE)
        )
    options.spent.pages += count
    options.spent.chosen_pages += len(chosen)
    return chosen, warnings


def pages_out_of_range(options: ReadOptions) -> tuple[DocumentWarning, ...]:
    """Whether pages were asked for that neither the document nor those inside it have; known at the end."""
    count = options.spent.pages
    if all(last <= count for _, last in options.page_ranges):
        return ()
    return (DocumentWarning("PAGES_OUT_OF_RANGE", f"the document has {count} pages, fewer than asked for", STAGE),)


def _is_in(number: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= number <= last for first, last in ranges)
