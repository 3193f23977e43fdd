"""Severity: monotone in what makes a spike grave, slow to fall, never above info for volume."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.severity import HOLD, RANKS, Size, of, settled
from pipeline.core.windows import STEPS
from schemas.spike import Severity

sizes = st.builds(
    Size,
    negatives=st.integers(0, 10_000),
    expected=st.floats(0, 1_000),
    crest=st.floats(0, 10_000),
    reach=st.integers(0, 10**8),
    hours=st.floats(0, 400),
)
severities = st.sampled_from(RANKS)


@pytest.mark.parametrize(
    ("size", "severity"),
    [
        (Size(5, 0.4, 20.0, 0, 0.0), "info"),
        (Size(10, 1.0, 1.0, 0, 0.0), "warning"),
        (Size(60, 6.0, 30.0, 0, 4.0), "warning"),
        (Size(300, 20.0, 120.0, 0, 5.0), "critical"),
        (Size(300, 0.5, 1800.0, 0, 0.1), "critical"),
        (Size(40, 4.0, 80.0, 1_200_000, 0.5), "critical"),
        (Size(29, 0.1, 400.0, 0, 30.0), "warning"),
    ],
)
def test_the_table(size: Size, severity: Severity) -> None:
    assert of("negativity", size) == severity
    assert of("volume", size) == "info"


@given(
    sizes,
    st.fixed_dictionaries(
        {
            "negatives": st.integers(0, 5_000),
            "crest": st.floats(0, 5_000),
            "reach": st.integers(0, 10**7),
            "hours": st.floats(0, 100),
        }
    ),
)
def test_more_of_anything_never_lowers_it(size: Size, more: dict[str, float]) -> None:
    larger = size._replace(**{name: getattr(size, name) + value for name, value in more.items()})
    assert RANKS.index(of("negativity", larger)) >= RANKS.index(of("negativity", size))


@given(severities, severities, st.integers(0, 40))
def test_it_rises_at_once_and_falls_a_step_after_the_hold(
    told: Severity, now: Severity, buckets: int
) -> None:
    after = settled(told, now, 0, buckets * STEPS["5m"], "5m")
    if RANKS.index(now) >= RANKS.index(told):
        assert after == now
    elif buckets < HOLD["5m"]:
        assert after == told
    else:
        assert RANKS.index(after) == RANKS.index(told) - 1
