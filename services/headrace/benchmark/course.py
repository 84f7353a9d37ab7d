"""What one contestant runs on: a use case with empty topics, and what its program is told."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public, not in __all__
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
)

from headrace.benchmark import where
from headrace.chassis.clients import Clients
from headrace.chassis.reading import ends
from headrace.contracts.avro import without_logical_types
from headrace.contracts.codec import Encoder
from headrace.contracts.registry import Registry
from headrace.contracts.schemas import load_schema
from headrace.contracts.topics import TopicSpec, load_topics
from headrace.trials.use_case import discard, prepare
from headrace.usecase.charter import Charter

_CALL_S = 10.0
_STAMPED = ("decisions", "audits", "sketches", "drift.changelog")


@dataclass(frozen=True)
class Course:
    """A use case of one contestant's run."""

    charter: Charter
    path: Path
    """The charter's file; what else the run makes lies beside it."""
    topics: Mapping[str, TopicSpec]
    clients: Clients
    registry: Registry

    @property
    def name(self) -> str:
        """The use case's."""
        return self.charter.name

    @property
    def group(self) -> str:
        """The consumer group of whoever decides."""
        return f"{self.name}.scoring"

    @property
    def partitions(self) -> int:
        """How many partitions the events have."""
        return self.topics[self.topic("events")].partitions

    def topic(self, plural: str) -> str:
        """Return a topic's full name."""
        return f"{self.name}.{plural}"

    def encoder(self, plural: str = "events") -> Encoder:
        """Return what writes the records of a topic."""
        spec = self.topics[self.topic(plural)]
        return Encoder(load_schema(spec.schema), self._schema_id(spec))

    def beside(self, suffix: str) -> Path:
        """Return a file or folder of the run."""
        return self.path.with_suffix(suffix)

    def tell(self, bootstrap_servers: str, tuning: Mapping[str, Any], model: bytes) -> Path:
        """Write down what a peer's program needs to know, and return where."""
        told = {
            "bootstrap_servers": bootstrap_servers,
            "group": self.group,
            **{name: self.topic(name) for name in ("events", "decisions", "audits")},
            "changelog": self.topic("scoring.changelog"),
            "state_dir": str(self.beside(".state")),
            "job": self._job(model),
            "tuning": dict(tuning),
        }
        path = self.beside(".json")
        path.write_text(json.dumps(told, indent=1), "utf-8")
        return path

    def discard(self) -> None:
        """Delete the topics and the group."""
        discard(self.name, self.clients)

    def _schema_id(self, spec: TopicSpec) -> int:
        return self.registry.schema_id(spec.subject, load_schema(spec.schema))

    def _job(self, model: bytes) -> dict[str, Any]:
        specs = {
            each: self.topics[self.topic(f"{each}s")] for each in ("event", "decision", "audit")
        }
        schemas = {each: self.beside(f".{each}.avsc") for each in specs}
        for each, spec in specs.items():
            # Times stay integers, as they do for headrace: datetimes would only cost time.
            plain = without_logical_types(load_schema(spec.schema))
            schemas[each].write_text(json.dumps(plain), "utf-8")
        return {
            "schemas": {each: str(path) for each, path in schemas.items()},
            "ids": {each: self._schema_id(spec) for each, spec in specs.items()},
            **_said(self.charter, model),
        }


def lay(name: str, clients: Clients, registry: Registry, original: Path | None = None) -> Course:
    """Make topics, schemas and a model for one run, of the bench charter or another original.

    What services write is stamped by the broker, as it appends it: that is the clock of every
    throughput.
    """
    path = where.home() / "runs" / name / f"{name}.toml"
    charter = prepare(original or where.charter(), path, clients, registry, backlog=True)
    topics = load_topics(charter.name, charter.events.schema)
    course = Course(charter, path, topics, clients, registry)
    _stamp_on_append(clients.admin(), [course.topic(plural) for plural in _STAMPED])
    for spec in topics.values():
        _await_led(clients, spec)
    return course


def _await_led(clients: Clients, spec: TopicSpec) -> None:
    """Wait until every partition's leader knows that it leads, a moment after all others do."""
    until_s = time.monotonic() + _CALL_S
    while True:
        try:
            ends(clients, spec.name, range(spec.partitions), _CALL_S)
        except KafkaException:
            if time.monotonic() > until_s:
                raise
            time.sleep(0.05)
        else:
            return


def _stamp_on_append(admin: AdminClient, topics: list[str]) -> None:
    entry = ConfigEntry(
        "message.timestamp.type", "LogAppendTime", incremental_operation=AlterConfigOpType.SET
    )
    resources = [
        ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[entry])
        for topic in topics
    ]
    for done in admin.incremental_alter_configs(resources).values():
        done.result(_CALL_S)


def _said(charter: Charter, model: bytes) -> dict[str, Any]:
    """Return what the records say of charter and model, and what the model and the values are."""
    card, values = charter.model, charter.values
    assert values is not None  # noqa: S101 -- the bench charter declares them
    terms = [card.features[name] for name in charter.feature_set.names]
    return {
        "features": list(charter.feature_set.names),
        "model": {
            "intercept": card.intercept,
            "terms": [[term.mean, term.scale, term.weight] for term in terms],
        },
        "values": {
            "missed": _cost(values.missed),
            "false_decline": _cost(values.false_decline),
            "review": {
                "cost_minor": values.review.cost_minor,
                "missed_share": values.review.missed_share,
            },
        },
        "digests": {
            "charter_digest": charter.digest.hex(),
            "feature_set": charter.feature_set.digest.hex(),
            "model_digest": model.hex(),
        },
        "names": {
            "decision": {
                "use_case": charter.name,
                "model": card.name,
                "model_version": card.version,
                "arm": "champion",
                "arm_probability": 1.0,
                "policy_version": charter.policy.version,
                "rule_hits": [],
                "late": False,
                "stage": charter.stage,
                "acted": True,
                "deadline_missed": False,
                "fallback": "",
                "trace_id": "",
            },
            "audit": {
                "kind": "decision",
                "use_case": charter.name,
                "service": "scoring",
                "first_offset": None,
                "policy_version": charter.policy.version,
            },
        },
    }


def _cost(cost: Any) -> dict[str, float]:
    return {"share": cost.share, "fixed_minor": cost.fixed_minor}
