"""What of a broken charter is right in itself, so that the rest of it is checked all the same."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo


class Absent(AttributeError):
    """What was asked for is wrong or missing itself, which is told elsewhere."""


class Partial:
    """The right parts of something wrong, by the names that the whole would have.

    Its methods and properties are absent too.
    """

    def __init__(self, parts: Mapping[str, Any]) -> None:
        vars(self).update(parts)

    def __getattr__(self, name: str) -> Any:
        raise Absent(name)


@contextmanager
def as_far_as_known() -> Iterator[None]:
    """Leave off where something is absent."""
    try:
        yield
    except Absent:
        return


def alternatives(annotation: Any) -> list[Any]:
    """Return what may stand at an annotation: the members of a union, or itself, unadorned."""
    if get_origin(annotation) is Annotated:
        return alternatives(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return [each for member in get_args(annotation) for each in alternatives(member)]
    return [annotation]


def salvage(declaration: Any, written: Any) -> Any:
    """Return what was written as a ``declaration``, or the parts of it that are right.

    A table becomes a :class:`Partial`; so does an element of an array, which keeps its place.
    """
    try:
        return TypeAdapter(declaration).validate_python(written)
    except ValidationError:
        pass
    kinds = alternatives(declaration)
    return max((_salvage_as(kind, written) for kind in kinds), key=_size)


def _salvage_as(kind: Any, written: Any) -> Any:
    fields: dict[str, FieldInfo] = getattr(kind, "__pydantic_fields__", {})
    if isinstance(written, dict) and fields:
        return Partial(_parts(fields, written))
    if isinstance(written, dict) and get_origin(kind) is dict:
        return {key: salvage(get_args(kind)[1], value) for key, value in written.items()}
    if isinstance(written, list) and get_origin(kind) is tuple:
        return tuple(salvage(get_args(kind)[0], element) for element in written)
    return Partial({})


def _size(part: Any) -> int:
    return len(vars(part)) if type(part) is Partial else len(part)


def _parts(fields: Mapping[str, FieldInfo], written: Mapping[str, Any]) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    for name, field in fields.items():
        key = field.alias or name
        if key in written:
            part = salvage(_declared(field), written[key])
            if type(part) is not Partial or vars(part):
                parts[name] = part
        elif not field.is_required():
            parts[name] = field.get_default(call_default_factory=True)
    return parts


def _declared(field: FieldInfo) -> Any:
    """Put a field's type and its bounds together again."""
    return Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
