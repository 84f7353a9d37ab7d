"""Dead letters: counted, bounded, without bytes; and whether one holds its record whole."""

import random
from types import SimpleNamespace

import pytest

from headrace.chassis.batch import Dead
from headrace.chassis.deadletters import MOST_BYTES, dead_lettered
from headrace.contracts.reasons import DeadLetterReason
from headrace.errors import HeadraceError
from headrace.explaining.finding import names_id
from headrace.explaining.letters import Letter, heap_of, replays_by_letter
from headrace.explaining.records import Place, parse_place
from headrace.explaining.words import DEAD_BECAUSE

SEED = 5


def letter(offset=0, reason="future", value=b"value", key=b"card-1", headers=(), at_ms=1_000):
    message = SimpleNamespace(
        topic=lambda: "any.events",
        key=lambda: key,
        value=lambda: value,
        timestamp=lambda: (1, 500),
    )
    dead = Dead(0, offset, reason, "a detail; with a part of its own")
    return Letter(Place(0, offset), dead_lettered(message, headers, dead, "scoring", at_ms))


def test_what_the_chassis_could_keep_is_whole_and_what_it_cut_is_not():
    assert letter().is_whole
    assert letter(headers=[("trace", b"1")]).is_whole
    assert not letter(value=bytes(MOST_BYTES + 1)).is_whole
    assert not letter(key=bytes(MOST_BYTES)).is_whole
    assert not letter(headers=[("large", bytes(MOST_BYTES))]).is_whole


def test_headers_that_could_not_be_read_are_missing_from_the_whole():
    assert not letter(headers=None).is_whole


def test_all_are_counted_and_the_latest_are_kept_without_their_bytes():
    print(f"seed {SEED}")
    times = [*range(1_000, 6_000)]
    random.Random(SEED).shuffle(times)
    letters = [
        letter(offset, ("future", "undecodable")[offset % 2], at_ms=at_ms)
        for offset, at_ms in enumerate(times)
    ]
    heap = heap_of(iter(letters), {}, None, 3)
    assert (heap.depth, heap.oldest_at_ms) == (5_000, 1_000)
    assert heap.reasons == {"future": 2_500, "undecodable": 2_500}
    assert [row["dead_lettered_at_ms"] for row in heap.rows] == [5_999, 5_998, 5_997]
    assert not {"key", "value", "headers"} & set(heap.rows[0])
    assert heap_of(iter(letters), {}, "future", 0).depth == 2_500


def test_a_row_says_how_often_it_was_replayed():
    fact = {"dead_letter_partition": 0, "dead_letter_offset": 4}
    heap = heap_of([letter(4), letter(5)], replays_by_letter([fact, fact]), None, 9)
    assert {row["offset"]: row["replayed"] for row in heap.rows} == {4: 2, 5: 0}


def test_every_reason_has_words():
    assert set(DEAD_BECAUSE) == set(DeadLetterReason.__args__)


@pytest.mark.parametrize("text", ["", "3", "3:", ":3", "-1:3", "3:x", "1:2:3", "99999999999:1"])
def test_what_is_no_place_is_refused(text):
    with pytest.raises(HeadraceError, match="is no place"):
        parse_place(text)


def test_a_place_is_partition_and_offset():
    assert parse_place("3:17") == Place(3, 17)
    assert str(parse_place("3:17")) == "3:17"


@pytest.mark.parametrize(
    ("value", "is_named"),
    [
        (b"event-1 alone", True),
        (b"\x0eevent-1and what follows", True),
        (b"event-10", False),
        (b"an-event-1", False),
        (b"", False),
    ],
)
def test_unreadable_bytes_name_an_id_as_avro_writes_it_or_as_a_word(value, is_named):
    assert names_id(value, b"event-1") == is_named
