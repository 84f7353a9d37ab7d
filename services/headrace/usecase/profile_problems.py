"""What a charter's profiles get wrong, and the features that name them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from headrace.usecase.checks import Check
from headrace.usecase.declared import duration_text
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
    """Yield keys that are no field of text, and features that a profile cannot measure."""
    for name, profile in profiles.items():
        with as_far_as_known():
            if wrong := _wrong_key(profile.key, events, fields):
                yield Problem(("profiles", name, "key"), wrong)
    for place, feature in enumerate(features):
        if not isinstance(feature, ProfileFeature):
            continue
        if feature.profile not in profiles:
            path = ("features", place, "profile")
            yield Problem(path, unknown("profile", feature.profile, list(profiles)))
            continue
        with as_far_as_known():
            for key, wrong in _not_to_measure(feature, profiles[feature.profile]):
                yield Problem(("features", place, key), wrong)


def _not_to_measure(feature: ProfileFeature, profile: Profile) -> Iterator[tuple[str, str]]:
    """Yield what of a feature does not fit how its profile is counted and told."""
    bucket_ms, throttle_ms = profile.bucket_ms, profile.throttle_ms
    for key, span_ms in (("window", feature.window_ms), ("delay", feature.delay_ms)):
        if span_ms % bucket_ms:
            bucket = duration_text(bucket_ms)
            yield key, f"it is no multiple of the bucket of {feature.profile}, {bucket}"
    if throttle_ms > feature.delay_ms:
        throttle = duration_text(throttle_ms)
        told = f"{feature.profile} is told of after {throttle} only, its throttle"
        yield "delay", f"it is too short: {told}"


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
