"""Payloads and configurations for ghz, another load generator, in Go."""
