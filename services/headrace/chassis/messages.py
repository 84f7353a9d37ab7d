"""Whether what a consumer hands over is a record, and which of its errors end the process."""

import logging

from confluent_kafka import KafkaError, KafkaException, Message

from headrace.errors import HeadraceError

_log = logging.getLogger("headrace.messages")


def holds_record(message: Message) -> bool:
    """Return whether a message is a record; log a passing error.

    Raises
    ------
    HeadraceError, KafkaException
        An error that waiting would not mend.
    """
    error = message.error()
    if error is None:
        return True
    where = f"{message.topic()} partition {message.partition()}"
    if error.code() == KafkaError._AUTO_OFFSET_RESET:
        raise HeadraceError(
            f"{where}: the records at the committed offset are gone ({error.str()}).",
            fix="Their retention ended before they were processed; decide where to go on and set "
            "the group's offsets.",
        )
    if error.code() in (KafkaError._BAD_MSG, KafkaError._BAD_COMPRESSION):
        raise HeadraceError(
            f"{where} is damaged at offset {message.offset()} ({error.str()}).",
            fix="A restart reads it again; where that does not help, restore the broker's log "
            "from a replica.",
        )
    if error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
        raise HeadraceError(
            f"There is no topic {message.topic()}.", fix="Create it by: headrace topics apply"
        )
    if error.fatal():
        raise KafkaException(error)
    _log.warning("%s: %s", where, error)
    return False
