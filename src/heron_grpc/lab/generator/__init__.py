"""Draws labelled documents: layouts from YAML, facts from Faker, arithmetic that adds up, and the wear of real life."""

from heron_grpc.lab.generator.document import GeneratedDocument
from heron_grpc.lab.generator.generate import Generator

__all__ = ["GeneratedDocument", "Generator"]
