"""What is wrong with a request, collected to be said all at once."""

from heron_grpc.domain.errors import FieldViolation, InvalidRequest


class Violations:
    """Empty to begin with."""

    def __init__(self) -> None:
        self._found: list[FieldViolation] = []

    def check(self, holds: bool, field: str, description: str) -> None:
        """Notes a violation unless `holds`."""
        if not holds:
            self._found.append(FieldViolation(field, description))

    def raise_if_any(self) -> None:
        """Raises InvalidRequest with everything found."""
        if self._found:
            summary = "; ".join(f"{violation.field}: {violation.description}" for violation in self._found[:3])
            raise InvalidRequest(f"invalid request: {summary}", tuple(self._found))
