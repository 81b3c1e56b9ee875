"""Generated documents as files: what readers will be given, with the place of every value on the page."""

from heron_grpc.lab.generator.rendering.render import FORMATS, FieldPlace, RenderedDocument, render
from heron_grpc.lab.generator.rendering.write import write_documents

__all__ = ["FORMATS", "FieldPlace", "RenderedDocument", "render", "write_documents"]
