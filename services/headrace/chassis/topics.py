"""Creates topics and sets their configuration; never deletes, grows or shrinks one."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public, not in __all__
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    TopicMetadata,
)

from headrace.chassis.offsets import LATEST, offsets
from headrace.contracts.changes import Change
from headrace.contracts.topics import REPLICAS_FOR_QUORUM, TopicSpec, topic_config
from headrace.errors import HeadraceError

REQUEST_TIMEOUT_S: Final = 15.0
VISIBLE_TIMEOUT_S: Final = 60.0
NO_LEADER: Final = -1

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class ExistingTopic:
    """A topic as the cluster has it."""

    partitions: int
    replication: int
    config: dict[str, str]


def replication_factor(admin: AdminClient, wanted: int | None) -> int:
    """Return the replicas of new topics: three where there are three brokers, else one.

    Raises
    ------
    HeadraceError
        More are wanted than there are brokers.
    """
    brokers = len(_ask(lambda: admin.list_topics(timeout=REQUEST_TIMEOUT_S)).brokers)
    if wanted is None:
        return REPLICAS_FOR_QUORUM if brokers >= REPLICAS_FOR_QUORUM else 1
    if wanted > brokers:
        raise HeadraceError(
            f"{wanted} replicas need {wanted} brokers; the cluster has {brokers}.",
            fix=f"Use --replication {brokers} or less.",
        )
    return wanted


def plan_topics(admin: AdminClient, topics: Iterable[TopicSpec], replication: int) -> list[Change]:
    """Compare every topic with the cluster; changes nothing."""
    specs = list(topics)
    existing = existing_topics(admin, [spec.name for spec in specs])
    return [compared(spec, existing.get(spec.name), replication) for spec in specs]


def apply_topics(
    admin: AdminClient, topics: Iterable[TopicSpec], changes: Sequence[Change], replication: int
) -> None:
    """Carry out a plan without refusals, and wait until every broker's metadata shows it."""
    specs = {spec.name: spec for spec in topics}
    new = [specs[change.name] for change in changes if change.change == "create"]
    if new:
        _create(admin, new, replication)
    changed = [specs[change.name] for change in changes if change.change == "configure"]
    if changed:
        _configure(admin, changed)


def existing_topics(admin: AdminClient, names: Sequence[str]) -> dict[str, ExistingTopic]:
    """Read partitions, replicas and settings of those of the topics that exist."""
    described = admin.describe_topics(
        TopicCollection(list(names)), request_timeout=REQUEST_TIMEOUT_S
    )
    found = {}
    for name, future in described.items():
        description = _ask_unless(KafkaError.UNKNOWN_TOPIC_OR_PART, future.result)
        if description is not None:
            found[name] = description.partitions
    configs = _configs(admin, list(found))
    return {
        name: ExistingTopic(len(partitions), len(partitions[0].replicas), configs[name])
        for name, partitions in found.items()
    }


def compared(spec: TopicSpec, existing: ExistingTopic | None, replication: int) -> Change:
    """Return what must change for the topic to be as declared.

    Parameters
    ----------
    replication
        Replicas of new topics; an existing one keeps its own, and its settings follow them.
    """
    if existing is None:
        wanted = topic_config(spec, replication)
        settings = ", ".join(f"{name}={value}" for name, value in wanted.items())
        detail = f"{spec.partitions} partitions, {replication} replicas, {settings}"
        return Change("topic", spec.name, "create", detail)
    refusal = refused(spec, existing)
    if refusal:
        return Change("topic", spec.name, "refused", refusal)
    differences = [
        f"{name} {existing.config.get(name)} -> {value}"
        for name, value in topic_config(spec, existing.replication).items()
        if existing.config.get(name) != value
    ]
    if not differences:
        return Change("topic", spec.name, "unchanged", "")
    return Change("topic", spec.name, "configure", ", ".join(differences))


def refused(spec: TopicSpec, existing: ExistingTopic) -> str:
    """Return why the topic cannot become what is declared; empty when it can.

    Another number of partitions sends a key's next records to another partition than its state
    and its earlier records; another clean-up policy or a shorter retention deletes records.
    """
    if existing.partitions != spec.partitions:
        return (
            f"it has {existing.partitions} partitions and {spec.partitions} are declared: its "
            "records are keyed, so their number never changes"
        )
    policy = existing.config["cleanup.policy"]
    if policy != spec.cleanup:
        return f"cleanup.policy {policy} -> {spec.cleanup} would delete records"
    kept_ms = int(existing.config["retention.ms"])
    if spec.retention_ms is not None and (kept_ms < 0 or spec.retention_ms < kept_ms):
        return f"retention.ms {kept_ms} -> {spec.retention_ms} would delete records"
    return ""


def _create(admin: AdminClient, specs: Sequence[TopicSpec], replication: int) -> None:
    new = [
        NewTopic(spec.name, spec.partitions, replication, config=topic_config(spec, replication))
        for spec in specs
    ]
    for future in admin.create_topics(new, request_timeout=REQUEST_TIMEOUT_S).values():
        # Somebody else who applies the same contract may have been quicker.
        _ask_unless(KafkaError.TOPIC_ALREADY_EXISTS, future.result)
    _await_led(admin, specs)


def _await_led(admin: AdminClient, specs: Sequence[TopicSpec]) -> None:
    """Wait until the brokers that clients ask know the topics, and their leaders answer for them.

    Metadata names a leader a little before that broker itself knows that it leads.
    """
    _await_known(admin, {spec.name for spec in specs})
    for spec in specs:
        partitions, timeout_s = range(spec.partitions), VISIBLE_TIMEOUT_S
        _ask(partial(offsets, admin, spec.name, partitions, LATEST, timeout_s, is_there=True))


def _await_known(admin: AdminClient, names: set[str]) -> None:
    deadline_s = time.monotonic() + VISIBLE_TIMEOUT_S
    while True:
        known = _ask(lambda: admin.list_topics(timeout=REQUEST_TIMEOUT_S)).topics
        missing = {name for name in names if name not in known or not _led(known[name])}
        if not missing:
            return
        if time.monotonic() > deadline_s:
            raise HeadraceError(f"Kafka created {', '.join(sorted(missing))} but does not show it.")
        time.sleep(0.05)


def _led(topic: TopicMetadata) -> bool:
    leaders = [partition.leader for partition in topic.partitions.values()]
    return bool(leaders) and NO_LEADER not in leaders


def _configure(admin: AdminClient, specs: Sequence[TopicSpec]) -> None:
    existing = existing_topics(admin, [spec.name for spec in specs])
    resources = [
        ConfigResource(
            ConfigResource.Type.TOPIC,
            spec.name,
            incremental_configs=[
                ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
                for name, value in topic_config(spec, existing[spec.name].replication).items()
            ],
        )
        for spec in specs
    ]
    altered = admin.incremental_alter_configs(resources, request_timeout=REQUEST_TIMEOUT_S)
    for future in altered.values():
        _ask(future.result)


def _configs(admin: AdminClient, names: Sequence[str]) -> dict[str, dict[str, str]]:
    if not names:
        return {}
    resources = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in names]
    asked = admin.describe_configs(resources, request_timeout=REQUEST_TIMEOUT_S)
    return {
        resource.name: {name: entry.value for name, entry in _ask(future.result).items()}
        for resource, future in asked.items()
    }


def _ask(question: Callable[[], _T]) -> _T:
    try:
        return question()
    except KafkaException as error:
        raise HeadraceError(
            f"Kafka answers: {error.args[0].str()}",
            fix="Start it with `headrace up`, or set KAFKA_BOOTSTRAP_SERVERS to yours.",
        ) from error


def _ask_unless(code: int, question: Callable[[], _T]) -> _T | None:
    """Ask; None where the cluster answers with the expected error."""
    try:
        return _ask(question)
    except HeadraceError as error:
        cause = error.__cause__
        if isinstance(cause, KafkaException) and cause.args[0].code() == code:
            return None
        raise
