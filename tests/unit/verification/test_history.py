from headrace.verification.history import READABLE, UNREADABLE, Events, Facts, digest


def test_rows_are_found_by_offset_across_gaps() -> None:
    events = Events()
    for offset in (3, 4, 9):
        events.append(offset, b"%d" % offset, Facts(f"e{offset}", b"k", 1, 5, "EUR"), READABLE)
    assert [events.row(offset) for offset in (2, 3, 4, 5, 9, 10)] == [None, 0, 1, None, 2, None]
    assert events.facts(2) == ("e9", b"k", 1, 5, "EUR")
    assert events.digest(1) == digest(b"4")


def test_no_amount_is_not_zero_and_no_value_is_not_an_empty_one() -> None:
    events = Events()
    events.append(0, None, UNREADABLE, 0)
    events.append(1, b"", Facts("e", None, 1, 0, "EUR"), READABLE)
    assert events.facts(0).amount_minor is None
    assert events.facts(1).amount_minor == 0
    assert events.digest(0) != events.digest(1)
