"""How fast something grows, and how sure that is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_Z95 = 1.96


@dataclass(frozen=True, slots=True)
class Trend:
    """A straight line through samples, by least squares."""

    slope_per_h: float
    # Half the width of the 95 % interval around the slope.
    uncertainty_per_h: float

    @property
    def at_least_per_h(self) -> float:
        """The lower end of the interval."""
        return self.slope_per_h - self.uncertainty_per_h


def trend(seconds: Sequence[float], values: Sequence[float]) -> Trend:
    """The trend of `values` over time. Raises ValueError for fewer than three samples.

    Neighbouring samples of a process's memory are alike: their first autocorrelation widens the interval, as in Wilks,
    Statistical Methods in the Atmospheric Sciences, 5.2.4 (effective sample size).
    """
    if len(seconds) < 3:
        raise ValueError("a trend needs three samples")
    hours = np.asarray(seconds, dtype=float) / 3600
    heights = np.asarray(values, dtype=float)
    slope, start = np.polyfit(hours, heights, 1)
    residuals = heights - (slope * hours + start)
    spread = np.square(residuals).sum()
    if spread <= 0:
        return Trend(float(slope), 0.0)
    alike = float(np.clip((residuals[1:] * residuals[:-1]).sum() / spread, 0.0, 0.99))
    independent = max(3.0, len(heights) * (1 - alike) / (1 + alike))
    error = np.sqrt(spread / len(heights) / (independent - 2) / np.var(hours))
    return Trend(float(slope), float(_Z95 * error))
