"""Molva's pipeline. One thread per process for linear algebra: workers are scaled by processes.

Set before numpy is imported anywhere: with two BLAS threads and a busy neighbour, names are found ten times
slower
(30 posts/s instead of 380 were measured).
"""

import os

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")
