"""The errors that librdkafka reports, made where the fake refuses something."""

from confluent_kafka import KafkaError, KafkaException


def failure(
    code: int,
    reason: str,
    *,
    fatal: bool = False,
    retriable: bool = False,
    txn_requires_abort: bool = False,
) -> KafkaException:
    """Return the exception that carries a ``KafkaError`` of this code and these classes."""
    return KafkaException(KafkaError(code, reason, fatal, retriable, txn_requires_abort))


def fenced(transactional_id: str) -> KafkaException:
    """Return what a producer gets whose ``transactional.id`` another has initialised since."""
    reason = f"{transactional_id}: another producer was initialised or the transaction expired"
    return failure(KafkaError._FENCED, reason, fatal=True)


def timed_out(reason: str = "the answer did not come in time") -> KafkaException:
    """Return what a call gets whose answer did not come: it may or may not have taken effect."""
    return failure(KafkaError._TIMED_OUT, reason, retriable=True)


def requires_abort(code: int, reason: str) -> KafkaException:
    """Return an error after which the transaction can only be aborted."""
    return failure(code, reason, txn_requires_abort=True)


def wrong_state(reason: str) -> KafkaException:
    """Return what a call gets that is not allowed in the client's present state."""
    return failure(KafkaError._STATE, reason)
