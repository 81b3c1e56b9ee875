"""Generated documents as files: what readers will be given, with the place of every value on the page."""

from heron_grpc.lab.generator.rendering.render import (
    FORMATS,
    PICTURES,
    FieldPlace,
    RenderedDocument,
    render,
    usual_format,
)
from heron_grpc.lab.generator.rendering.write import write_documents

__all__ = ["FORMATS", "PICTURES", "FieldPlace", "RenderedDocument", "render", "usual_format", "write_documents"]
