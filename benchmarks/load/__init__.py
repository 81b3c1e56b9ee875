"""The load generator: what is sent (shapes), when (plan, arrivals), by how many processes (fleet), what came of it."""

from benchmarks.load.arrivals import Step, ramp
from benchmarks.load.fleet import Fleet, Measured
from benchmarks.load.plan import Closed, Open, Plan
from benchmarks.load.shapes import Bulk, Unary, Upload
from benchmarks.load.tally import Tally

__all__ = ["Bulk", "Closed", "Fleet", "Measured", "Open", "Plan", "Step", "Tally", "Unary", "Upload", "ramp"]
