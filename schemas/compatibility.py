"""Backward compatibility of the contract: what a consumer of the last release could still rely on.

Records are read by consumers, so compatibility is judged from their side: a field that was always there
stays, keeps its type, and does not widen; enumerations do not grow silently; new fields may come.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]


def breaks(old: Schema, new: Schema) -> list[str]:
    """Every way in which ``new`` breaks a reader of ``old``; empty where it is compatible."""
    return list(_compare(old, new, old, new, ""))


def _compare(old: Schema, new: Schema, old_root: Schema, new_root: Schema, path: str) -> Iterator[str]:
    old, new = _resolve(old, old_root), _resolve(new, new_root)
    where = path or "the record"
    if "anyOf" in old or "anyOf" in new:
        yield from _compare_alternatives(old, new, old_root, new_root, path)
        return
    if old.get("type") != new.get("type"):
        yield f"{where}: type {old.get('type')!r} became {new.get('type')!r}"
        return
    if "enum" in old:
        for value in sorted(set(map(str, new.get("enum", ["any value"]))) - set(map(str, old["enum"]))):
            yield f"{where}: may now be {value!r}, which readers do not know"
    if old.get("const") != new.get("const"):
        yield f"{where}: constant {old.get('const')!r} became {new.get('const')!r}"
    for name, part in old.get("properties", {}).items():
        inner = f"{path}.{name}" if path else name
        if name not in new.get("properties", {}):
            yield f"{inner}: is gone"
            continue
        yield from _compare(part, new["properties"][name], old_root, new_root, inner)
    for name in sorted(set(old.get("required", ())) - set(new.get("required", ()))):
        if name in new.get("properties", {}):
            yield f"{f'{path}.{name}' if path else name}: was always there and is now optional"
    if isinstance(old.get("items"), Mapping):
        yield from _compare(old["items"], new.get("items", {}), old_root, new_root, f"{path}[]")


def _compare_alternatives(
    old: Schema, new: Schema, old_root: Schema, new_root: Schema, path: str
) -> Iterator[str]:
    before = [_resolve(item, old_root) for item in old.get("anyOf", [old])]
    for item in new.get("anyOf", [new]):
        item = _resolve(item, new_root)
        matches = [known for known in before if known.get("type") == item.get("type")]
        if not matches:
            yield f"{path}: may now be of type {item.get('type')!r}, which readers do not expect"
        elif all(any(True for _ in _compare(known, item, old_root, new_root, path)) for known in matches):
            yield from _compare(matches[0], item, old_root, new_root, path)


def _resolve(schema: Schema, root: Schema) -> Schema:
    reference = schema.get("$ref")
    if reference is None:
        return schema
    resolved: Any = root
    for step in str(reference).removeprefix("#/").split("/"):
        resolved = resolved[step]
    return {**resolved, **{key: value for key, value in schema.items() if key != "$ref"}}


def demands(old: Schema, new: Schema) -> list[str]:
    """Fields that producers of the last release do not send and that ``new`` (input side) requires."""
    missing = sorted(set(new.get("required", ())) - set(old.get("required", ())))
    return [f"{name}: is required now, producers of the last release may not send it" for name in missing]
