"""A small disk of its own for tests: a tmpfs, which takes root on Linux."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def small_disk(folder: Path, mebibytes: int) -> Iterator[Path | None]:
    """``folder`` with a disk of that size mounted on it; None where that is not allowed."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        yield None
        return
    folder.mkdir(parents=True)
    options = f"size={mebibytes}m,mode=700"
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "molva-tests", str(folder)], check=False)
    if done.returncode != 0:
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
