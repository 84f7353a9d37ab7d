"""W3C trace context in record headers, and who is sampled."""

import pytest

from headrace.chassis.tracing import Sampler

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def headers_of(*headers):
    return [(name, value.encode()) for name, value in headers]


def carried(flags="01", *more):
    return headers_of(("traceparent", f"00-{TRACE}-{SPAN}-{flags}"), *more)


def test_a_sampled_trace_goes_on_in_a_span_of_our_own():
    trace = Sampler(0.0).of(carried())
    assert (trace.trace_id, trace.parent_id) == (TRACE, SPAN)
    assert (trace.is_sampled, trace.is_recorded) == (True, True)
    assert trace.span_id != SPAN
    assert trace.headers(trace.span_id) == [
        ("traceparent", f"00-{TRACE}-{trace.span_id}-01".encode())
    ]


def test_one_that_is_not_sampled_is_handed_on_as_it_came():
    trace = Sampler(1.0).of(carried("00"))
    assert (trace.is_sampled, trace.is_recorded) == (False, False)
    assert trace.headers(trace.span_id) == carried("00")


def test_where_nothing_is_recorded_a_sampled_one_is_handed_on_as_it_came():
    trace = Sampler(1.0, records=False).of(carried("01"))
    assert (trace.is_sampled, trace.is_recorded) == (True, False)
    assert trace.headers(trace.span_id) == carried("01")


def test_the_vendors_state_is_handed_on():
    trace = Sampler(0.0).of(carried("01", ("tracestate", "vendor=1")))
    assert ("tracestate", b"vendor=1") in trace.headers(trace.span_id)


def test_a_sampler_that_does_not_follow_decides_by_the_trace_id():
    lower_64 = int(TRACE[16:], 16) / 2**64
    assert not Sampler(lower_64 - 0.01, follows_parent=False).of(carried("01")).is_sampled
    assert Sampler(lower_64 + 0.01, follows_parent=False).of(carried("00")).is_sampled


@pytest.mark.parametrize(
    "value",
    [
        "",
        "01",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN[:-1]}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"01-{TRACE}-{SPAN}-01more",
    ],
)
def test_a_header_that_is_no_trace_is_as_none(value):
    assert Sampler(0.0).of(headers_of(("traceparent", value))) is None


@pytest.mark.parametrize("headers", [None, [], headers_of(("other", "header"))])
def test_a_trace_begins_here_where_none_came(headers):
    assert Sampler(0.0).of(headers) is None
    trace = Sampler(1.0).of(headers)
    assert (trace.parent_id, trace.is_sampled, trace.is_recorded) == ("", True, True)
    assert len(trace.trace_id) == 32
    assert len(trace.span_id) == 16


def test_as_many_begin_as_the_rate_says():
    sampler = Sampler(0.3)
    begun = sum(sampler.of(None) is not None for _ in range(20_000))
    sampled = sum(sampler.begin().is_sampled for _ in range(20_000))
    assert begun / 20_000 == pytest.approx(0.3, abs=0.03)  # nine standard deviations
    assert sampled / 20_000 == pytest.approx(0.3, abs=0.03)


@pytest.mark.parametrize("rate", [0.001, 0.3, 1.0])
def test_as_many_begin_in_a_batch_as_one_by_one_and_anywhere_in_it(rate):
    sampler, records, batches = Sampler(rate), 100, 2_000
    numbers = [number for _ in range(batches) for number in sampler.begins(records)]
    spread = (rate * (1 - rate) * records * batches) ** 0.5
    assert abs(len(numbers) - rate * records * batches) <= 6 * spread
    assert min(numbers) < records / 2 < max(numbers) < records


def test_none_begins_in_a_batch_where_nothing_is_sampled():
    assert Sampler(0.0).begins(1_000) == {}
    assert Sampler(1.0, records=False).begins(1_000) == {}


def test_what_begins_in_a_batch_would_be_sampled_by_another_sampler_of_the_rate():
    traces = Sampler(0.1).begins(1_000).values()
    assert traces
    assert all(int(each.trace_id[16:], 16) / 2**64 < 0.1 for each in traces)
    assert all(each.is_recorded and each.is_sampled and not each.parent_id for each in traces)


def test_a_trace_that_begins_here_is_one_that_another_sampler_of_the_rate_would_sample():
    begun = Sampler(0.1)
    traces = [each for each in (begun.of(None) for _ in range(2_000)) if each]
    assert traces
    assert all(int(each.trace_id[16:], 16) / 2**64 < 0.1 for each in traces)


def test_a_later_version_may_say_more():
    later = headers_of(("traceparent", f"01-{TRACE}-{SPAN}-01-more"))
    assert Sampler(0.0).of(later).trace_id == TRACE


def test_flags_go_on_as_they_came():
    trace = Sampler(0.0).of(carried("03"))
    assert trace.headers(SPAN) == carried("03")
    switched_off = Sampler(0.5, follows_parent=False, records=False)
    assert switched_off.of(carried("01")).headers(SPAN) == carried("01")


def test_two_parents_are_none():
    assert Sampler(0.0).of([*carried(), *carried()]) is None


@pytest.mark.parametrize("state", ["x" * 513, "vendor=1\r\nevil: 1", ""])
def test_a_state_that_is_none_or_too_large_ends_here(state):
    trace = Sampler(0.0).of(carried("01", ("tracestate", state)))
    assert [name for name, _ in trace.headers(SPAN)] == ["traceparent"]


def test_one_that_is_not_to_be_recorded_after_all_is_handed_on_or_never_began():
    came = Sampler(0.0).of(carried("01")).unrecorded()
    assert came.headers(came.span_id) == carried("01")
    assert Sampler(1.0).of(None).unrecorded() is None
