"""Whether another call of the model backend is worth what it costs, and how many of the texts that wait it takes."""

import math

from heron_grpc.settings import ServingSettings

# One that a worker works on, and one that is there when it has done so.
_CALLS_A_WORKER = 2
# What a text takes of a call: of Naive Bayes 0.5 to 6 ms on busy cores, most of it the call itself. A transformer takes
# 20 ms and more, and must not idle.
_QUICK_TEXT_S = 0.008
# Texts among which the cost of a call is small beside that of their own.
_WORTH_A_CALL = 8
# Weight of the newest call.
_NEWEST = 0.1


class Coalescing:
    """Learns from calls how quick the model is. Nobody waits for company: only for a backend that is at work."""

    def __init__(self, settings: ServingSettings) -> None:
        self._settings = settings
        # Of a call by its texts, smoothed; 0 before the first.
        self._text_s = 0.0

    def learn(self, seconds: float, texts: int) -> None:
        """A call with so many texts was answered."""
        self._text_s += (seconds / texts - self._text_s) * (_NEWEST if self._text_s else 1.0)

    def is_worth_a_call(self, waiting: int, under_way: int, workers: int) -> bool:
        """Whether `waiting` texts should go out now, beside `under_way` calls."""
        if not waiting or under_way >= self._most_calls(workers):
            return False
        return under_way < workers or waiting >= _WORTH_A_CALL or not self._is_quick

    def most_texts(self, texts: int, workers: int) -> int:
        """How many a call takes of all that wait or are at work: its share, so that no worker idles between two calls.

        Where texts are quick, at least as many as make a call worth its cost.
        """
        share = math.ceil(texts / self._most_calls(workers))
        return min(self._settings.max_batch, max(share, _WORTH_A_CALL) if self._is_quick else share)

    @property
    def _is_quick(self) -> bool:
        return 0 < self._text_s < _QUICK_TEXT_S

    def _most_calls(self, workers: int) -> int:
        return self._settings.calls_in_flight or _CALLS_A_WORKER * workers
