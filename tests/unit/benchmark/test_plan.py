"""In which order contestants are timed."""

from headrace.benchmark.plan import headline, with_growth


def test_each_contestant_comes_first_in_its_turn() -> None:
    plan = headline()
    orders = [plan.timed_in(number) for number in (1, 2, 3)]
    assert {order[0] for order in orders} == {"headrace", "quix", "echo"}
    assert all(sorted(order) == sorted(plan.timed) for order in orders)
    assert plan.timed_in(4) == plan.timed_in(1)


def test_growth_comes_with_everything_else() -> None:
    plan = with_growth(headline())
    assert plan.more
    assert plan.growth_rounds
    assert not headline().more
