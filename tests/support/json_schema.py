"""A reader of JSON Schema that knows the keywords we use, and refuses every other."""

import re
from typing import Any

_ABOUT = {"$schema", "$defs", "title", "description", "examples", "default"}
_TYPES: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "null": type(None),
    "integer": int,
    "number": (int, float),
}


def faults(value: Any, schema: dict[str, Any]) -> list[str]:
    """Return what a schema refuses in a value, each as ``/path: why``.

    Raises
    ------
    AssertionError
        The schema has a keyword, a type or a reference that is none.
    """
    return [f"{path}: {why}" for path, why in _Reader(schema).faults(value, schema, "")]


class _Reader:
    def __init__(self, root: dict[str, Any]) -> None:
        self._root = root

    def faults(self, value: Any, schema: dict[str, Any], path: str) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        for keyword, wanted in schema.items():
            if keyword not in _ABOUT:
                check = getattr(self, "_" + keyword.lstrip("$"), None)
                assert check is not None, f"unknown keyword {keyword}"
                found += check(value, wanted, path, schema)
        return found

    def _ref(self, value, wanted, path, _):
        assert wanted.startswith("#/$defs/")
        return self.faults(value, self._root["$defs"][wanted.removeprefix("#/$defs/")], path)

    def _type(self, value, wanted, path, _):
        right = isinstance(value, _TYPES[wanted])
        if isinstance(value, bool) and wanted in ("integer", "number"):
            right = False
        return [] if right else [(path, f"is no {wanted}")]

    def _properties(self, value, wanted, path, _):
        if not isinstance(value, dict):
            return []
        parts = ((key, part) for key, part in value.items() if key in wanted)
        return [f for key, part in parts for f in self.faults(part, wanted[key], f"{path}/{key}")]

    def _additionalProperties(self, value, wanted, path, schema):  # noqa: N802 -- the keyword
        if not isinstance(value, dict):
            return []
        more = {key: part for key, part in value.items() if key not in schema.get("properties", {})}
        if isinstance(wanted, dict):
            return [f for k, part in more.items() for f in self.faults(part, wanted, f"{path}/{k}")]
        return [] if wanted else [(path, f"has {key}") for key in more]

    def _required(self, value, wanted, path, _):
        missing = [key for key in wanted if isinstance(value, dict) and key not in value]
        return [(path, f"lacks {key}") for key in missing]

    def _propertyNames(self, value, wanted, path, _):  # noqa: N802 -- the keyword
        keys = value if isinstance(value, dict) else ()
        return [fault for key in keys for fault in self.faults(key, wanted, f"{path}/{key}")]

    def _patternProperties(self, value, wanted, path, _):  # noqa: N802 -- the keyword
        parts = value.items() if isinstance(value, dict) else ()
        return [
            fault
            for pattern, schema in wanted.items()
            for key, part in parts
            if re.search(pattern, key)
            for fault in self.faults(part, schema, f"{path}/{key}")
        ]

    def _items(self, value, wanted, path, _):
        parts = enumerate(value) if isinstance(value, list) else ()
        return [f for at, part in parts for f in self.faults(part, wanted, f"{path}/{at}")]

    def _oneOf(self, value, wanted, path, _):  # noqa: N802 -- the keyword
        fitting = sum(not self.faults(value, each, path) for each in wanted)
        return [] if fitting == 1 else [(path, f"fits {fitting} of {len(wanted)}")]

    def _anyOf(self, value, wanted, path, _):  # noqa: N802 -- the keyword
        fits = any(not self.faults(value, each, path) for each in wanted)
        return [] if fits else [(path, f"fits none of {len(wanted)}")]

    def _enum(self, value, wanted, path, _):
        return [] if value in wanted else [(path, f"is none of {wanted}")]

    def _const(self, value, wanted, path, _):
        return [] if value == wanted else [(path, f"is not {wanted}")]

    def _pattern(self, value, wanted, path, _):
        wrong = isinstance(value, str) and not re.search(wanted, value)
        return [(path, f"does not match {wanted}")] if wrong else []

    def _bound(self, value, path, kind, right):
        return [] if not isinstance(value, kind) or right(value) else [(path, "is out of bounds")]

    def _minLength(self, value, wanted, path, _):  # noqa: N802 -- the keyword
        return self._bound(value, path, str, lambda it: len(it) >= wanted)

    def _maxLength(self, value, wanted, path, _):  # noqa: N802 -- the keyword
        return self._bound(value, path, str, lambda it: len(it) <= wanted)

    def _minItems(self, value, wanted, path, _):  # noqa: N802 -- the keyword
        return self._bound(value, path, list, lambda it: len(it) >= wanted)

    def _maxItems(self, value, wanted, path, _):  # noqa: N802 -- the keyword
        return self._bound(value, path, list, lambda it: len(it) <= wanted)

    def _minProperties(self, value, wanted, path, _):  # noqa: N802 -- the keyword
        return self._bound(value, path, dict, lambda it: len(it) >= wanted)

    def _minimum(self, value, wanted, path, _):
        return self._bound(value, path, int | float, lambda it: it >= wanted)

    def _maximum(self, value, wanted, path, _):
        return self._bound(value, path, int | float, lambda it: it <= wanted)

    def _exclusiveMinimum(self, value, wanted, path, _):  # noqa: N802 -- the keyword
        return self._bound(value, path, int | float, lambda it: it > wanted)
