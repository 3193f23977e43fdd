"""Published detectors of the Numenta Anomaly Benchmark that can be computed here, for `benchmarks.nab`."""

from __future__ import annotations

from math import erfc, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

WINDOW: Final = 6400
STEP: Final = 100
DIGITS: Final = 12
"""Published results were written with 12 significant digits: a score of 1 - 4e-13 stands there as 1.0."""


def windowed_gaussian(counts: NDArray[np.int64], threshold: float) -> list[int]:
    """Rows that ``windowedGaussian`` alarms in: 1 - tail probability under the normal law of the past.

    Mean and deviation are those of the last 6400 rows, moved on every 100; until the window is full, of all
    rows so far. As the benchmark describes it (Lavin and Ahmad, 2015); ``threshold`` is the published one.
    """
    sums = np.concatenate([[0.0], np.cumsum(counts, dtype=np.float64)])
    squares = np.concatenate([[0.0], np.cumsum(counts.astype(np.float64) ** 2)])
    row = np.arange(1, len(counts))
    moved = np.where(row <= WINDOW, 0, (row - WINDOW) // STEP * STEP)
    end = np.where(row <= WINDOW, row, moved + WINDOW)
    mean = (sums[end] - sums[moved]) / (end - moved)
    variance = np.maximum((squares[end] - squares[moved]) / (end - moved) - mean**2, 0.0)
    deviation = np.where(variance > 0.0, np.sqrt(variance), 1e-6)
    off = np.abs(counts[1:] - mean) / deviation
    scores = [round(1.0 - 0.5 * erfc(z / sqrt(2.0)), DIGITS) for z in off.tolist()]
    return [at for at, score in zip(row.tolist(), scores, strict=True) if score >= threshold]
