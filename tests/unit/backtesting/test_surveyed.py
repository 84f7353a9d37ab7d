"""Which decisions stand beside their events, and which elsewhere."""

from headrace.backtesting.surveyed import Surveyed
from headrace.chassis.records import Received


def decision(partition: int, of: tuple[int, int], number: int = 0) -> Received:
    record = {"source_partition": of[0], "source_offset": of[1], "number": number}
    return Received(partition, 0, "key", b"", record, -1)


def offsets(decisions) -> list[int]:
    return [each["source_offset"] for each in decisions]


def test_decisions_in_the_order_of_their_events_are_read_again_and_the_others_are_kept() -> None:
    written = [
        decision(0, (0, 0)),
        decision(0, (0, 3)),
        decision(0, (0, 3), 2),
        decision(0, (1, 7)),
        decision(0, (0, 1)),
        decision(0, (0, 4)),
    ]
    surveyed = Surveyed(written)
    assert surveyed.number == {0: 5, 1: 1}
    assert surveyed.last == {0: 4, 1: 7}
    assert offsets(surveyed.again(0, written)) == [0, 3, 4]
    strays = surveyed.strays(0)
    assert {offset: len(each) for offset, each in strays.items()} == {3: 1, 1: 1}
    assert strays[3][0]["number"] == 2
    assert offsets(surveyed.strays(1)[7]) == [7]


def test_decisions_that_have_come_since_are_left_out() -> None:
    written = [decision(0, (0, 0)), decision(0, (0, 1))]
    surveyed = Surveyed(written)
    assert offsets(surveyed.again(0, [*written, decision(0, (0, 2))])) == [0, 1]
