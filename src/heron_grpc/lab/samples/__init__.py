"""The project's own sample documents: fictional, drawn the same way every time."""

from heron_grpc.lab.samples.draw import MANIFEST, SAMPLES, Sample, write_samples

__all__ = ["MANIFEST", "SAMPLES", "Sample", "write_samples"]
