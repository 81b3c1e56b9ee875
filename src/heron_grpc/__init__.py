"""Heron's service: a gRPC front that reads documents and asks a BentoML backend what they are."""
