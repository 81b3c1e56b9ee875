"""What is counted about gRPC calls."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from heron_grpc.telemetry.label_bounds import OTHER, Bound, Children

# https://grpc.io/docs/guides/status-codes/
CODES = (
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
)
_CALL_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
# More than there are queues and the like.
_MOST_RESOURCES = 32


class CallMetrics:
    """Calls in flight, ended, refused, and how long they took; unknown methods are counted together."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._in_flight = Gauge("heron_calls_in_flight", "Calls being answered now.", ["method"], registry=registry)
        self._finished = Counter("heron_calls", "Calls that ended.", ["method", "code"], registry=registry)
        self._seconds = Histogram(
            "heron_call_duration_seconds",
            "Time from a call's start to its end.",
            ["method"],
            buckets=_CALL_S,
            registry=registry,
        )
        refused = Counter(
            "heron_calls_refused",
            "Calls refused for want of room, by what was full.",
            ["method", "resource"],
            registry=registry,
        )
        labels = Bound()
        self._labels = labels
        self._refused = Children(refused, labels, Bound(most_new=_MOST_RESOURCES))
        self._methods: dict[str, _Method] = {}
        self._other = self._method(OTHER)

    def know(self, paths: Iterable[str]) -> None:
        """These methods, as "/package.Service/Method", are counted each by itself from now on."""
        for path in paths:
            label = path.removeprefix("/")
            self._labels.learn(label)
            self._methods[path] = self._method(label)

    def started(self, path: str) -> None:
        """A call came in."""
        self._methods.get(path, self._other).in_flight.inc()

    def finished(self, path: str, code: str, seconds: float) -> None:
        """It ended; what is no gRPC code counts as UNKNOWN."""
        method = self._methods.get(path, self._other)
        method.in_flight.dec()
        method.finished.get(code, method.finished["UNKNOWN"]).inc()
        method.seconds.observe(seconds)

    def refused(self, path: str, resource: str) -> None:
        """It got no room."""
        self._refused[self._methods.get(path, self._other).label, resource].inc()

    def _method(self, label: str) -> "_Method":
        return _Method(label, self._in_flight, self._finished, self._seconds)


class _Method:
    """What is counted of one method."""

    def __init__(self, label: str, in_flight: Gauge, finished: Counter, seconds: Histogram) -> None:
        self.label = label
        self.in_flight = in_flight.labels(label)
        # All codes from the start: the first INTERNAL must be a rise from 0, which alerts see, and no new series.
        self.finished = {code: finished.labels(label, code) for code in CODES}
        self.seconds = seconds.labels(label)
