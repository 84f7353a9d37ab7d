"""Reading the headers of records, each once.

confluent-kafka (2.16) says with a SystemError that a header's name is not UTF-8, but only when it
is asked first; who asks again ends the process.
"""

from collections.abc import Sequence

from headrace.chassis.batch import Fetched, Headers, Place


def read_headers(messages: Sequence[Fetched]) -> dict[Place, Headers | None]:
    """Return the headers by place of the messages that have any; None where they are unreadable."""
    found: dict[Place, Headers | None] = {}
    for message in messages:
        try:
            headers = message.headers()
        except SystemError:
            found[message.partition(), message.offset()] = None
        else:
            if headers:
                found[message.partition(), message.offset()] = headers
    return found
