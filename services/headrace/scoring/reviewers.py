"""Asking for reviews: only where there is a place, or something else is done."""

from collections.abc import Sequence

from headrace.chassis.records import Received
from headrace.chassis.state import View
from headrace.scoring.state import State, reviews_of
from headrace.usecase.charter import Charter
from headrace.usecase.policy import Action
from headrace.usecase.reviews import RESERVED_KEY, Capacity, Reviews


class Reviewers:
    """Gives out the places that reviewers have.

    Parameters
    ----------
    charter
        Says how many there are on a day; without that, there is no limit.
    partitions
        How many partitions share them.
    """

    def __init__(self, charter: Charter, partitions: int) -> None:
        declared, values = charter.review_capacity, charter.values
        self._capacity: Capacity | None = None
        if declared is not None:
            cost_minor = values.review.cost_minor if values else 0
            self._capacity = Capacity(declared.per_day, partitions, cost_minor)
        self._when_full: Action = charter.policy.when_full
        self._time = charter.events.time

    def due(self, wanted: Action, event: Received, view: View[State]) -> Action:
        """Return an action that must be; in place of a review, what is done where none is left."""
        if wanted != "review" or self._capacity is None:
            return wanted
        reviews = reviews_of(view, event.partition)
        if self._capacity.has_place(event.partition, reviews.taken(event.record[self._time])):
            return self._taken(reviews, event, view)
        return self._when_full

    def worth(
        self, wanted: Action, costs: Sequence[float], event: Received, view: View[State]
    ) -> Action:
        """Return the cheapest action; in place of a review that is not worth it, the next best.

        Parameters
        ----------
        costs
            Of the three actions, in minor units.
        """
        if wanted != "review" or self._capacity is None:
            return wanted
        approve, review, decline = costs
        saving = min(approve, decline) - review
        reviews = reviews_of(view, event.partition)
        taken = reviews.taken(event.record[self._time])
        if self._capacity.is_worth(event.partition, taken, saving):
            return self._taken(reviews, event, view)
        return "approve" if approve <= decline else "decline"

    def _taken(self, reviews: Reviews, event: Received, view: View[State]) -> Action:
        slot, body = reviews.take(event.record[self._time])
        view.change(event.partition, RESERVED_KEY, slot, event.offset, body)
        return "review"
