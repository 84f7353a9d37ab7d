"""One event's way, as Zipkin has it and as the demo shows it."""

from headrace.demo.story import one_way
from headrace.demo.trace import Traced, arranged


def span(number, parent, service, name, at_us, took_us):
    found = {
        "id": number,
        "name": name,
        "timestamp": 1_000_000 + at_us,
        "duration": took_us,
        "localEndpoint": {"serviceName": service},
    }
    return {**found, "parentId": parent} if parent else found


SPANS = [
    span("c", "b", "scoring", "send shop.decisions", 9_000, 3_000),
    span("a", None, "publisher", "send shop.events", 0, 4_000),
    span("d", "c", "downstream", "process shop.decisions", 13_000, 500),
    span("b", "a", "scoring", "process shop.events", 5_000, 7_500),
]


def test_each_step_is_below_the_one_that_led_to_it():
    assert [(step.depth, step.name) for step in arranged(SPANS)] == [
        (0, "send shop.events"),
        (1, "process shop.events"),
        (2, "send shop.decisions"),
        (3, "process shop.decisions"),
    ]


def test_a_step_whose_parent_is_unknown_begins_a_way_of_its_own():
    assert [step.depth for step in arranged([SPANS[0], SPANS[2]])] == [0, 1]


def test_no_spans_are_no_steps():
    assert arranged([]) == []


def test_the_demo_draws_it_in_80_columns():
    traced = Traced("e-1", "http://page", arranged(SPANS))
    assert [*one_way(traced, "shop")] == [
        "publisher         send events        at    0.0 ms, for    4.0 ms",
        "  scoring         process events     at    5.0 ms, for    7.5 ms",
        "    scoring       send decisions     at    9.0 ms, for    3.0 ms",
        "      downstream  process decisions  at   13.0 ms, for    0.5 ms",
    ]
