"""Detectors that `benchmarks.detector_simulation` compares with ours, each as its source describes it.

Every one maps `Talk`, arrays of (objects, buckets), to scores of the same shape, from the past only; where a
score must be for an alarm is calibrated to the same budget of false alarms for all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.detectors.simulation import DAY_BUCKETS, WEEK, Talk

Scores = NDArray[np.float64]
Rival = Callable[[Talk], Scores]


def _past_sum(series: Scores, width: int, lag: int = 0) -> Scores:
    """Sum of ``width`` buckets that end ``lag`` buckets ago: 0 with the current one, -1 with the next."""
    sums = np.concatenate([np.zeros((len(series), 1)), np.cumsum(series, axis=1)], axis=1)
    end = np.clip(np.arange(1, series.shape[1] + 1) - lag, 0, series.shape[1])
    return np.asarray(sums[:, end] - sums[:, np.clip(end - width, 0, None)])


def _lagged(series: Scores, lag: int) -> Scores:
    moved = np.zeros_like(series)
    moved[:, lag:] = series[:, :-lag]
    return moved


def ewma_z(talk: Talk) -> Scores:
    """Roberts, Control chart tests based on geometric moving averages, 1959: z against mean and variance."""
    series, keep = talk.negatives.astype(float), 0.5 ** (1 / DAY_BUCKETS)
    mean, variance = series[:, :DAY_BUCKETS].mean(axis=1), series[:, :DAY_BUCKETS].var(axis=1)
    scores = np.zeros_like(series)
    for at in range(DAY_BUCKETS, series.shape[1]):
        off = series[:, at] - mean
        scores[:, at] = off / np.sqrt(variance + 1.0)
        mean = mean + (1 - keep) * off
        variance = keep * (variance + (1 - keep) * off * off)
    return scores


def _same_time(series: Scores, days: tuple[int, ...]) -> Scores:
    """(days, objects, buckets): the same hour of the days before, smoothed over it."""
    hour = _past_sum(series, 12, lag=-6) / 12
    return np.stack([_lagged(hour, day * DAY_BUCKETS) for day in days])


def seasonal_z(talk: Talk) -> Scores:
    """z against the same hour of the last seven days (a seasonal naive forecast)."""
    past = _same_time(talk.negatives.astype(float), tuple(range(1, 8)))
    return np.asarray(
        (talk.negatives - past.mean(axis=0)) / np.sqrt(past.var(axis=0) + past.mean(axis=0) + 1)
    )


def sre_ratio(talk: Talk) -> Scores:
    """Google, The Site Reliability Workbook, chapter 5: the ratio of a long window, confirmed by a short one.

    The lesser of the last hour's and the last five minutes' negatives, each over the last three days' mean.
    """
    series = talk.negatives.astype(float)
    usual = _past_sum(series, 3 * DAY_BUCKETS, lag=12) / (3 * DAY_BUCKETS) + 0.5
    return np.asarray(np.minimum(_past_sum(series, 12) / 12, series) / usual)


def ears_c2(talk: Talk) -> Scores:
    """EARS C2 (Hutwagner and others, Journal of Urban Health 80, 2003): 7 hours, guard band of 2."""
    hourly = _past_sum(talk.negatives.astype(float), 12)
    past = np.stack([_lagged(hourly, 12 * hour) for hour in range(3, 10)])
    return np.asarray((hourly - past.mean(axis=0)) / np.maximum(past.std(axis=0, ddof=1), 1.0))


def farrington(talk: Talk) -> Scores:
    """After Farrington and others, JRSS A 159, 1996: an overdispersed Poisson bound on the 2/3-power scale.

    Reference values are the same three hours of the last seven days instead of the same weeks of years.
    """
    series = talk.negatives.astype(float)
    past = np.stack([_past_sum(series, 36, lag=day * DAY_BUCKETS - 18) / 36 for day in range(1, 8)])
    mean = np.maximum(past.mean(axis=0), 0.05)
    spread = np.maximum(1.0, 36 * past.var(axis=0, ddof=1) / mean)
    power = 2.0 / 3.0
    deviation = power * mean ** (power - 1) * np.sqrt(spread * mean + spread * mean / 7)
    return np.asarray((series**power - mean**power) / deviation)


def gnip_poisson(talk: Talk) -> Scores:
    """Gnip, Trend Detection in Social Data, 2015: (count - mean) / sqrt(mean), the mean of the last day."""
    series = talk.negatives.astype(float)
    mean = np.maximum(_past_sum(series, DAY_BUCKETS, lag=1) / DAY_BUCKETS, 0.05)
    return np.asarray((series - mean) / np.sqrt(mean))


def grafana_rules(talk: Talk) -> Scores:
    """Grafana's recording rules for anomaly detection: the hour's average against the adaptive band of a day.

    The band is avg_over_time(1h) of yesterday's level, and the same of a day and a week ago, plus deviations
    (stddev_over_time of a day, at least a part of the average).
    """
    series = talk.negatives.astype(float)
    average = _past_sum(series, 12) / 12
    day = _past_sum(average, DAY_BUCKETS, lag=1) / DAY_BUCKETS
    square = _past_sum(average**2, DAY_BUCKETS, lag=1) / DAY_BUCKETS
    deviation = np.maximum(np.sqrt(np.maximum(square - day**2, 0)), 0.25 * day + 0.1)
    middle = (day + _lagged(average, DAY_BUCKETS) + _lagged(average, WEEK)) / 3
    return np.asarray((series - middle) / deviation)


RIVALS: Final[dict[str, Rival]] = {
    "EWMA z-score": ewma_z,
    "seasonal z": seasonal_z,
    "SRE multi-window ratio": sre_ratio,
    "EARS C2": ears_c2,
    "Farrington-like": farrington,
    "Gnip Poisson": gnip_poisson,
    "Grafana recording rules": grafana_rules,
}
