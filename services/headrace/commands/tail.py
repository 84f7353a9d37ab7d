"""``headrace tail``: the records of a topic, readable."""

import os
import sys
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Final, Literal

from confluent_kafka import (
    OFFSET_BEGINNING,
    OFFSET_END,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)
from cyclopts import Parameter

from headrace.chassis.clients import Clients
from headrace.chassis.settings import KafkaSettings
from headrace.commands import console
from headrace.commands.where import as_text, conditions, matches
from headrace.contracts.codec import AnyDecoder, Undecodable
from headrace.contracts.registry import Registry, RegistrySettings
from headrace.errors import HeadraceError

REQUEST_TIMEOUT_S: Final = 10.0
POLL_S: Final = 0.2
MAX_VALUE_BYTES: Final = 8_388_608

_HOPELESS: Final = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError.TOPIC_AUTHORIZATION_FAILED)


def tail(
    topic: str,
    *,
    where: list[str] | None = None,
    start: Annotated[Literal["beginning", "end"] | None, Parameter(name="--from")] = None,
    limit: int | None = None,
    json: bool = False,
    follow: bool = True,
) -> None:
    """Print the committed records of a topic, and go on with those that come.

    Parameters
    ----------
    topic
        The topic's full name, as card-fraud.decisions.
    where
        Only records with this field=value; repeated, all must hold.
    start
        Where to begin. Default: the end, and the beginning with --no-follow.
    limit
        Stop after so many printed records.
    json
        One JSON document a line.
    follow
        Wait for more records; --no-follow stops at the end.
    """
    registry = Registry(RegistrySettings())
    wanted = conditions(where or [], registry.latest(f"{topic}-value"))
    begin = start or ("end" if follow else "beginning")
    consumer = Clients(KafkaSettings()).reader()
    try:
        _assign(consumer, topic, begin)
        printed = _print_all(_messages(consumer, follow=follow), registry, wanted, limit, json=json)
        console.progress(f"{printed} records")
    except BrokenPipeError:
        # `| head` has seen enough; without this the interpreter complains when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    finally:
        consumer.close()


def _assign(consumer: Consumer, topic: str, start: Literal["beginning", "end"]) -> None:
    try:
        topics = consumer.list_topics(timeout=REQUEST_TIMEOUT_S).topics
    except KafkaException as error:
        raise HeadraceError(
            f"Kafka does not answer: {error.args[0].str()}",
            fix="Start it with `headrace up`, or set KAFKA_BOOTSTRAP_SERVERS to yours.",
        ) from error
    if topic not in topics:
        names = sorted(name for name in topics if not name.startswith("__"))
        near = get_close_matches(topic, names, n=1)
        asked = f"Did you mean {near[0]}? " if near else ""
        raise HeadraceError(
            f"There is no topic {topic!r}.",
            fix=f"{asked}There are: {', '.join(names) or 'none; run `headrace topics apply`'}.",
        )
    offset = OFFSET_BEGINNING if start == "beginning" else OFFSET_END
    consumer.assign([TopicPartition(topic, part, offset) for part in topics[topic].partitions])


def _messages(consumer: Consumer, *, follow: bool) -> Iterator[Message]:
    """Yield records as they come; without following, up to the end of every partition."""
    unfinished = {part.partition for part in consumer.assignment()}
    while follow or unfinished:
        message = consumer.poll(POLL_S)
        if message is None:
            sys.stdout.flush()
        elif (error := message.error()) is None:
            yield message
        elif error.code() == KafkaError._PARTITION_EOF:
            unfinished.discard(message.partition() or 0)
        elif error.fatal() or error.code() in _HOPELESS:
            raise HeadraceError(f"Kafka answers: {error.str()}")
        else:  # librdkafka connects again by itself
            console.progress(f"Kafka answers: {error.str()}")


def _print_all(
    messages: Iterator[Message],
    registry: Registry,
    wanted: Mapping[str, str],
    limit: int | None,
    *,
    json: bool,
) -> int:
    decode = AnyDecoder(registry.writer, MAX_VALUE_BYTES)
    printed = 0
    for message in messages if limit != 0 else ():
        line = _described(message, decode, wanted)
        if line is None:
            continue
        if json:
            console.print_json_line(line)
        else:
            _print_line(line)
        printed += 1
        if printed == limit:
            break
    return printed


def _described(
    message: Message, decode: AnyDecoder, wanted: Mapping[str, str]
) -> dict[str, Any] | None:
    """Describe one record; None where it is not wanted. What is undecodable is not hidden."""
    key = message.key()
    line: dict[str, Any] = {
        "partition": message.partition(),
        "offset": message.offset(),
        "key": key.decode(errors="backslashreplace") if isinstance(key, bytes) else key,
    }
    value = message.value()
    try:
        record = decode(value if isinstance(value, bytes) else None)
    except Undecodable as error:
        if wanted:
            return None
        return {
            **line,
            "undecodable": {"reason": error.reason, "detail": error.detail},
            "value": value,
        }
    return {**line, "record": record} if matches(record, wanted) else None


def _print_line(line: Mapping[str, Any]) -> None:
    place = f"{line['partition']}:{line['offset']} {line['key']}"
    if "record" in line:
        fields = " ".join(f"{name}={as_text(value)}" for name, value in line["record"].items())
    else:
        fields = f"undecodable ({line['undecodable']['reason']}: {line['undecodable']['detail']}) "
        fields += as_text(line["value"])
    console.results.print(f"{place} {fields}", soft_wrap=True, highlight=False, markup=False)
