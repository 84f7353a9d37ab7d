"""What a charter's profiles get wrong, and the features that name them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from headrace.usecase.checks import Check
from headrace.usecase.events import Events
from headrace.usecase.feature_kinds import Feature, ProfileFeature
from headrace.usecase.problems import Problem, unknown
from headrace.usecase.profiles import Profile
from headrace.usecase.salvage import as_far_as_known


def profile_problems(
    profiles: Mapping[str, Profile],
    events: Events,
    features: Sequence[Feature],
    fields: Collection[str] | None,
) -> Iterator[Problem]:
    """Yield keys that are no field of text, and profiles that are named but not declared."""
    for name, profile in profiles.items():
        with as_far_as_known():
            if wrong := _wrong_key(profile.key, events, fields):
                yield Problem(("profiles", name, "key"), wrong)
    for place, feature in enumerate(features):
        if isinstance(feature, ProfileFeature) and feature.profile not in profiles:
            path = ("features", place, "profile")
            yield Problem(path, unknown("profile", feature.profile, list(profiles)))


def _wrong_key(key: str, events: Events, fields: Collection[str] | None) -> str:
    if fields is not None and key not in fields:
        return unknown("field of the event", key, fields)
    checks: Mapping[str, Any] = getattr(events, "checks", {})
    if key not in checks:
        return f"{key} needs a check in [events.checks] with one_of or max_length"
    check = checks[key]
    if isinstance(check, Check) and check.one_of is None and check.max_length is None:
        return f"{key} is a number, and a text is needed"
    return ""
