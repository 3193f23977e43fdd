"""Validators for records that are written as the contract has them: what Molva itself writes, the usual case.

A model's step before validation (it repairs what foreign producers write) makes pydantic build Python objects
of the whole document first, which costs as much as all the rest. `codec.decode` tries without it.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic_core import CoreSchema, SchemaValidator

from schemas.base import Record


@cache
def exact_validator(model: type[Record]) -> SchemaValidator:
    """Accepts the documents of a record that need no repair, and makes the same record of them.

    Models whose validation begins with a step of their own take no unknown fields here, so that what that
    step would change is refused; whoever is refused must ask the model itself. Without such a model inside
    it is the model's own validator.
    """
    stripped: list[str] = []
    schema = _without_repair(model.__pydantic_core_schema__, stripped)
    return SchemaValidator(schema) if stripped else model.__pydantic_validator__  # type: ignore[return-value]


def _without_repair(node: Any, stripped: list[str]) -> CoreSchema:
    """A copy of a schema in which the models with a step before validation have none, and are closed."""
    if isinstance(node, list):
        return [_without_repair(item, stripped) for item in node]  # type: ignore[return-value]
    if not isinstance(node, dict):
        return node  # type: ignore[no-any-return]
    if node.get("type") == "function-before" and node["schema"]["type"] == "model-fields":
        stripped.append(node["schema"].get("model_name", ""))
        node = {**node["schema"], "extra_behavior": "forbid"}
    return {
        key: value if key in ("metadata", "default", "config") else _without_repair(value, stripped)
        for key, value in node.items()
    }
