"""How long a document would wait for a reading child, judged by what those before it took."""

from collections.abc import Iterable

# Weight of the newest document: a slow one among many counts for about twenty.
_NEWEST = 0.1


class Expectation:
    """Learns from every document that was read, so that some slow ones are soon outweighed by quick ones."""

    def __init__(self) -> None:
        # Smoothed; 0 before the first.
        self.document_s = 0.0

    def learn(self, seconds: float) -> None:
        """A document has been read, or was too slow to be, in so many seconds."""
        self.document_s += (seconds - self.document_s) * (_NEWEST if self.document_s else 1.0)

    def rest_s(self, at_work_s: float) -> float:
        """How much longer a document takes that has been at work for so long.

        Times of reading have a long tail: what has outlasted the mean takes about as long again.
        """
        return self.document_s - at_work_s if at_work_s < self.document_s else at_work_s

    def wait_s(self, rests_s: Iterable[float], ahead: int) -> float:
        """Until one of the children, busy for `rests_s` more, is free for a document behind `ahead` others."""
        rests = sorted(rests_s)
        total = ahead * self.document_s
        wait = 0.0
        for count, rest in enumerate(rests, 1):
            # Of the children, those that are free before this wait is over share what lies ahead.
            total += rest
            wait = total / count
            if count == len(rests) or wait <= rests[count]:
                break
        return wait
