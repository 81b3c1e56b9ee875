"""Documents that have ended several reading children: for a while they are not given another."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cachetools import TTLCache

from heron_grpc.domain.errors import ReadingLimitExceeded

# Some 2 MB; beyond that what was remembered first is forgotten.
_MOST_DOCUMENTS = 10_000
# Children a reading has cost when it ends so; a document that ends its reader is given a second.
_CHILDREN = {"cpu": 1, "memory": 1, "wall": 1, "crash": 2}


class RefusedDocuments:
    """Remembers documents by the SHA-256 of their bytes."""

    def __init__(self, after: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Refuses after so many children, for so long from the last; `after` 0 refuses none."""
        self._after = after
        self._children: TTLCache[str, int] = TTLCache(_MOST_DOCUMENTS, seconds, clock)
        # Refusals so far.
        self.count = 0

    @contextmanager
    def watched(self, sha256: str) -> Iterator[None]:
        """Reading a document; "" is no document's. Raises ReadingLimitExceeded at once for one that is refused."""
        if self._after and self._children.get(sha256, 0) >= self._after:
            self.count += 1
            raise ReadingLimitExceeded("the document has ended several readers: not read for now", {"limit": "refused"})
        try:
            yield
        except ReadingLimitExceeded as error:
            children = _CHILDREN.get(error.metadata.get("limit", ""), 0)
            if sha256 and children:
                self._children[sha256] = self._children.get(sha256, 0) + children
            raise
