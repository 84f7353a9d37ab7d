"""Whether the parts of a charter agree, as far as they are right in themselves."""

from collections.abc import Callable, Collection, Iterator
from typing import Any, Final

from headrace.errors import HeadraceError
from headrace.usecase.accountability import protected_inputs, repeated_kpis, unmatched_conditions
from headrace.usecase.consistency import unbounded_roles, unknown_fields, unmatched_terms
from headrace.usecase.drift import unmatched_segments
from headrace.usecase.feature_problems import feature_problems
from headrace.usecase.inputs import inputs
from headrace.usecase.labels import premature
from headrace.usecase.learning import unmatched_models
from headrace.usecase.problems import Problem
from headrace.usecase.profile_problems import profile_problems
from headrace.usecase.rule_problems import unfounded_reasons, unfounded_rules, unpriced
from headrace.usecase.salvage import as_far_as_known

FieldsOf = Callable[[str], Collection[str]]
"""Gives the field names of the schema of a name."""

# Each takes a charter and the fields of its events, where these are known. What is absent, because
# it is wrong in itself, ends that one check.
_CHECKS: Final[tuple[Callable[[Any, Collection[str] | None], Iterator[Problem]], ...]] = (
    lambda it, _: repeated_kpis(it.kpis),
    lambda it, _: unmatched_conditions(it.kpis, "go_on", it.go_on),
    lambda it, _: unmatched_conditions(it.kpis, "stop", it.stop),
    lambda it, _: premature(it.labels),
    lambda it, _: protected_inputs(it.fairness, inputs(it)),
    lambda it, fields: unknown_fields(it.events, fields) if fields else iter(()),
    lambda it, _: unbounded_roles(it.events),
    lambda it, fields: feature_problems(it.events, it.features, fields),
    lambda it, fields: profile_problems(it.profiles, it.events, it.features, fields),
    lambda it, _: unmatched_models(it.learning),
    lambda it, _: unmatched_segments(it.drift, it.features),
    lambda it, _: unmatched_terms(it.features, it.model, is_whole=it.learning is None),
    lambda it, _: unfounded_rules(it.rules, it.events, it.features),
    lambda it, _: unfounded_reasons(it.reasons, it.events, it.features),
    lambda it, _: unpriced(it.model, it.values),
)


def disagreements(charter: Any, fields_of: FieldsOf | None) -> Iterator[Problem]:
    """Yield what is wrong between the parts of a charter.

    Parameters
    ----------
    charter
        The whole charter, or what :func:`~headrace.usecase.salvage.salvage` left of one.
    fields_of
        Without it, names are not compared with the event's schema.
    """
    fields: Collection[str] | None = None
    if fields_of is not None:
        try:
            with as_far_as_known():
                fields = fields_of(charter.events.schema)
        except HeadraceError as error:
            yield Problem(("events", "schema"), error.message.removesuffix("."), error.fix)
    for check in _CHECKS:
        with as_far_as_known():
            yield from check(charter, fields)
