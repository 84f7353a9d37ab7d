"""Changes of a schema, good and bad, as the evolution tests and the real registry judge them."""

import copy
from collections.abc import Callable
from typing import Any

Schema = dict[str, Any]
Record = dict[str, Any]

BASE: Schema = {
    "type": "record",
    "name": "Paid",
    "namespace": "headrace.test",
    "fields": [
        {"name": "payment_id", "type": "string"},
        {"name": "amount_minor", "type": "long"},
        {"name": "note", "type": ["null", "string"], "default": None},
        {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["CARD", "CASH"]}},
        {"name": "digest", "type": {"type": "fixed", "name": "Digest", "size": 4}},
        {
            "name": "lines",
            "type": {
                "type": "array",
                "items": {
                    "type": "record",
                    "name": "Line",
                    "fields": [{"name": "text", "type": "string"}],
                },
            },
        },
    ],
}
RECORD: Record = {
    "payment_id": "p-1",
    "amount_minor": 4_999,
    "note": "thanks",
    "kind": "CASH",
    "digest": b"\x00\x01\x02\x03",
    "lines": [{"text": "one"}, {"text": "two"}],
}


def changed(change: Callable[[Schema], None]) -> Schema:
    """A copy of the base schema with one change."""
    schema = copy.deepcopy(BASE)
    change(schema)
    return schema


def field(schema: Schema, name: str) -> Schema:
    """One of its fields."""
    return next(each for each in schema["fields"] if each["name"] == name)


NULLABLE = {"name": "country", "type": ["null", "string"], "default": None}


def add_nullable(schema: Schema) -> None:
    schema["fields"].append(NULLABLE)


def add_nullable_first(schema: Schema) -> None:
    schema["fields"].insert(0, NULLABLE)


def add_with_default(schema: Schema) -> None:
    schema["fields"].append({"name": "tries", "type": "int", "default": 1})


def add_nullable_inside(schema: Schema) -> None:
    field(schema, "lines")["type"]["items"]["fields"].append(NULLABLE)


def remove_with_default(schema: Schema) -> None:
    schema["fields"].remove(field(schema, "note"))


def document(schema: Schema) -> None:
    field(schema, "payment_id")["doc"] = "Unique for ever."


def reorder(schema: Schema) -> None:
    schema["fields"].reverse()


def add_without_default(schema: Schema) -> None:
    schema["fields"].append({"name": "country", "type": "string"})


def remove_without_default(schema: Schema) -> None:
    schema["fields"].remove(field(schema, "amount_minor"))


def change_type(schema: Schema) -> None:
    field(schema, "amount_minor")["type"] = "string"


def promote_type(schema: Schema) -> None:
    field(schema, "amount_minor")["type"] = "double"


def make_nullable(schema: Schema) -> None:
    field(schema, "amount_minor")["type"] = ["null", "long"]


def make_required(schema: Schema) -> None:
    field(schema, "note").update(type="string", default="")


def rename_field(schema: Schema) -> None:
    field(schema, "amount_minor")["name"] = "amount_cents"


def rename_record(schema: Schema) -> None:
    schema["name"] = "Spent"


def add_symbol(schema: Schema) -> None:
    field(schema, "kind")["type"]["symbols"].append("COIN")


def remove_symbol(schema: Schema) -> None:
    field(schema, "kind")["type"]["symbols"].remove("CASH")


def resize(schema: Schema) -> None:
    field(schema, "digest")["type"]["size"] = 5


def change_items(schema: Schema) -> None:
    field(schema, "lines")["type"]["items"] = "string"


def add_without_default_inside(schema: Schema) -> None:
    field(schema, "lines")["type"]["items"]["fields"].append({"name": "n", "type": "int"})


WITHOUT_NOTE = {name: value for name, value in RECORD.items() if name != "note"}

COMPATIBLE: dict[Callable[[Schema], None], tuple[Record, Record, Record]] = {
    # a record of the new version; what the base reads of it; what the new reads of the base's
    add_nullable: ({**RECORD, "country": "NL"}, RECORD, {**RECORD, "country": None}),
    add_nullable_first: ({**RECORD, "country": "NL"}, RECORD, {**RECORD, "country": None}),
    add_with_default: ({**RECORD, "tries": 3}, RECORD, {**RECORD, "tries": 1}),
    add_nullable_inside: (
        {**RECORD, "lines": [{"text": "one", "country": "NL"}]},
        {**RECORD, "lines": [{"text": "one"}]},
        {**RECORD, "lines": [{"text": text, "country": None} for text in ("one", "two")]},
    ),
    remove_with_default: (WITHOUT_NOTE, {**RECORD, "note": None}, WITHOUT_NOTE),
    document: (RECORD, RECORD, RECORD),
    reorder: (RECORD, RECORD, RECORD),
}
INCOMPATIBLE = (
    add_without_default,
    remove_without_default,
    change_type,
    promote_type,
    make_nullable,
    make_required,
    rename_field,
    rename_record,
    add_symbol,
    remove_symbol,
    resize,
    change_items,
    add_without_default_inside,
)
