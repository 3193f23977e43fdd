"""The compiled loops of the engine: sums of convolution taps over unpadded texts, and the Viterbi search.

A batch is flat: the words of text ``i`` are ``starts[i]`` to ``starts[i + 1]``; beyond its ends are zeros.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np

F = TypeVar("F", bound=Callable[..., Any])

ZERO = np.float32(0)
LOWEST = np.float32(-np.inf)


def _compiled(signature: str) -> Callable[[F], F]:
    """Compile now, or load what an earlier process compiled; without a cache this takes seconds."""

    def compile_(function: F) -> F:
        try:
            return cast("F", numba.njit(signature, cache=True, error_model="numpy")(function))
        except (RuntimeError, OSError):  # no writable place for numba's cache, or it cannot be read
            return cast("F", numba.njit(signature, error_model="numpy")(function))

    return compile_


@_compiled("void(f4[:,:,::1], i4[::1], i4[::1], i4[::1], f4[::1], f4[::1], f4[::1], f4[:,::1])")
def first_layer(
    table: Any, rows: Any, starts: Any, after: Any, bias: Any, scale: Any, shift: Any, out: Any
) -> None:
    """The first convolution from its taps by word: ``table`` is rows x 3 x filters, row 0 is zeros.

    ``rows`` names the words, ``after`` the row that follows the last word of each text.
    """
    filters = table.shape[2]
    for text in range(len(starts) - 1):
        first, stop = starts[text], starts[text + 1]
        for at in range(first, stop):
            before = table[rows[at - 1] if at > first else 0, 0]
            here = table[rows[at], 1]
            behind = table[rows[at + 1] if at + 1 < stop else after[text], 2]
            for unit in range(filters):
                value = before[unit] + here[unit] + behind[unit] + bias[unit]
                out[at, unit] = max(value, ZERO) * scale[unit] + shift[unit]


@_compiled("void(f4[:,::1], i4[::1], f4[::1], f4[::1], f4[::1], f4[:,::1])")
def later_layer(taps: Any, starts: Any, bias: Any, scale: Any, shift: Any, out: Any) -> None:
    """A convolution from its taps by position: ``taps`` is words x 3 filters."""
    filters = out.shape[1]
    zeros = np.zeros(filters, np.float32)
    for text in range(len(starts) - 1):
        first, stop = starts[text], starts[text + 1]
        for at in range(first, stop):
            before = taps[at - 1, :filters] if at > first else zeros
            here = taps[at, filters : 2 * filters]
            behind = taps[at + 1, 2 * filters :] if at + 1 < stop else zeros
            for unit in range(filters):
                value = before[unit] + here[unit] + behind[unit] + bias[unit]
                out[at, unit] = max(value, ZERO) * scale[unit] + shift[unit]


@_compiled("void(f4[:,::1], i4[::1], f4[:,::1], u1[::1])")
def viterbi(emissions: Any, starts: Any, transitions: Any, out: Any) -> None:
    """The best tags of each text into ``out``; of equal ones the first, as numpy's argmax chooses.

    ``emissions`` is words x tags, ``transitions`` previous tag x tag.
    """
    words, tags = emissions.shape
    previous = np.empty((words, tags), np.uint8)
    score = np.empty(tags, np.float32)
    reached = np.empty(tags, np.float32)
    for text in range(len(starts) - 1):
        first, stop = starts[text], starts[text + 1]
        if first == stop:
            continue
        score[:] = emissions[first]
        for at in range(first + 1, stop):
            for tag in range(tags):
                best, source = LOWEST, 0
                for origin in range(tags):
                    value = score[origin] + transitions[origin, tag] + emissions[at, tag]
                    if value > best:
                        best, source = value, origin
                reached[tag] = best
                previous[at, tag] = source
            score[:] = reached
        tag = np.argmax(score)
        out[stop - 1] = tag
        for at in range(stop - 1, first, -1):
            tag = previous[at, tag]
            out[at - 1] = tag
