"""TaxonomyService: the labels a document can get."""

import base64
import binascii
from collections.abc import Mapping

from heron.v1 import taxonomy_pb2, taxonomy_pb2_grpc
from heron_grpc.domain.errors import FieldViolation, InvalidRequest, NotFound
from heron_grpc.domain.taxonomy import TaxonomyPack
from heron_grpc.rpc.calls import Context
from heron_grpc.rpc.convert import taxonomy_message

_DEFAULT_PAGE_SIZE = 50
_LARGEST_PAGE_SIZE = 1000


class TaxonomyService(taxonomy_pb2_grpc.TaxonomyServiceServicer):
    """Reads from the packs loaded at start-up."""

    def __init__(self, taxonomies: Mapping[str, TaxonomyPack]) -> None:
        self._taxonomies = taxonomies

    async def GetTaxonomy(  # noqa: N802  named by the contract
        self, request: taxonomy_pb2.GetTaxonomyRequest, _context: Context
    ) -> taxonomy_pb2.GetTaxonomyResponse:
        """One taxonomy with all its categories."""
        if not request.name:
            raise InvalidRequest("name is required", (FieldViolation("name", "taxonomies/{taxonomy}"),))
        if request.name not in self._taxonomies:
            raise NotFound("no such taxonomy", metadata={"field": "name"})
        taxonomy = self._taxonomies[request.name].taxonomy
        return taxonomy_pb2.GetTaxonomyResponse(taxonomy=taxonomy_message(taxonomy, with_categories=True))

    async def ListTaxonomies(  # noqa: N802  named by the contract
        self, request: taxonomy_pb2.ListTaxonomiesRequest, _context: Context
    ) -> taxonomy_pb2.ListTaxonomiesResponse:
        """All taxonomies in order of name, a page at a time."""
        if request.page_size < 0:
            raise InvalidRequest("invalid page size", (FieldViolation("page_size", "0 or a positive number"),))
        size = min(request.page_size or _DEFAULT_PAGE_SIZE, _LARGEST_PAGE_SIZE)
        after = _name_in(request.page_token)
        names = [name for name in sorted(self._taxonomies) if name > after]
        page = [taxonomy_message(self._taxonomies[name].taxonomy, with_categories=False) for name in names[:size]]
        more = len(names) > size
        token = base64.urlsafe_b64encode(names[size - 1].encode()).decode() if more else ""
        return taxonomy_pb2.ListTaxonomiesResponse(taxonomies=page, next_page_token=token)


def _name_in(page_token: str) -> str:
    """The last name of the page before; tokens are opaque to clients."""
    try:
        return base64.b64decode(page_token.encode("ascii"), altchars=b"-_", validate=True).decode()
    except (UnicodeError, binascii.Error) as error:
        raise InvalidRequest(
            "invalid page token", (FieldViolation("page_token", "as given with the page before"),)
        ) from error
