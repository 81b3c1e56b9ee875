"""The labels the service knows: loaded from YAML packs, validated at start-up."""

from heron_grpc.taxonomy.loader import load_taxonomies

__all__ = ["load_taxonomies"]
