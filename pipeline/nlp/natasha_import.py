"""natasha 1.6 on pymorphy3: its pymorphy2 needs ``pkg_resources``, which setuptools no longer ships.

``ner.py`` and whoever compares with plain natasha take natasha from here, so that one morphology serves both.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import pymorphy3
import pymorphy3.units.base


@contextmanager
def _pymorphy3_as_pymorphy2() -> Iterator[None]:
    """Show pymorphy3 under the name of pymorphy2 while natasha is imported; leave no trace afterwards."""
    before = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "pymorphy2"}
    aliases: dict[str, ModuleType] = {
        name.replace("pymorphy3", "pymorphy2", 1): module
        for name, module in sys.modules.items()
        if name.split(".")[0] == "pymorphy3"
    }
    unit = pymorphy3.units.base.BaseAnalyzerUnit
    parameters = vars(unit)["_get_param_names"]  # yargy patches it for Python 3.11, pymorphy3 needs no patch
    sys.modules.update(aliases)
    try:
        yield
    finally:
        unit._get_param_names = parameters
        for name in aliases:
            sys.modules.pop(name, None)
        sys.modules.update(before)


with _pymorphy3_as_pymorphy2():
    import natasha
    import natasha.doc

__all__ = ["natasha"]
