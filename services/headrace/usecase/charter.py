"""The charter: the one file in which a use case declares what the platform is to do for it."""

import tomllib
from collections.abc import Callable, Collection, Iterator
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from headrace.errors import HeadraceError
from headrace.usecase.checks import EventChecks
from headrace.usecase.consistency import (
    repeated_names,
    unbounded_numbers,
    unknown_fields,
    unmatched_terms,
)
from headrace.usecase.declared import STRICT, Text
from headrace.usecase.events import Events
from headrace.usecase.features import Feature, FeatureSet
from headrace.usecase.policy import Policy
from headrace.usecase.problems import Problem, charter_error, declared_wrongly
from headrace.usecase.scorecard import Scorecard

FieldsOf = Callable[[str], Collection[str]]
# A topic's name begins with it, and its parts are divided by dots.
TopicSafe = Annotated[
    str, StringConstraints(strict=True, pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=64)
]


class Charter(BaseModel):
    """What a use case declares; see docs/charter.md for every key."""

    model_config = ConfigDict(**STRICT, frozen=True)

    name: TopicSafe
    version: Text
    owner: Text
    """Who answers for the decisions."""
    objective: Text
    events: Events
    features: tuple[Feature, ...] = Field(min_length=1)
    """In the order of the vector."""
    model: Scorecard
    policy: Policy
    _digest: bytes

    @classmethod
    def load(cls, path: Path, fields_of: FieldsOf | None = None) -> Self:
        """Read and check a charter.

        Parameters
        ----------
        path
            The TOML file.
        fields_of
            Gives the field names of the schema of a name; without it, the fields that the charter
            names are not checked against the schema.

        Raises
        ------
        HeadraceError
            The file cannot be read, or something in it is wrong: every error with its line.
        """
        content, text = _read(path)
        try:
            document = tomllib.loads(text)
            charter = cls.model_validate(document, context=sha256(content).digest())
        except tomllib.TOMLDecodeError as error:
            raise charter_error(path, text, [Problem((), str(error))]) from None
        except ValidationError as error:
            raise charter_error(path, text, list(declared_wrongly(error, cls))) from None
        if problems := list(charter._inconsistencies(fields_of)):
            raise charter_error(path, text, problems)
        return charter

    def model_post_init(self, context: Any) -> None:
        """Keep the digest of the file, which :meth:`load` hands over."""
        self._digest = context

    @property
    def digest(self) -> bytes:
        """SHA-256 of the file's bytes."""
        return self._digest

    @cached_property
    def feature_set(self) -> FeatureSet:
        """The features as one vector."""
        events = self.events
        return FeatureSet(self.features, key=events.key, time=events.time, amount=events.amount)

    @cached_property
    def checks(self) -> EventChecks:
        """What every event must pass."""
        return EventChecks(self.events.checks, self.events.time, self.events.future_skew_ms)

    @property
    def retention_ms(self) -> int:
        """How long a key's history keeps an event: for windows of late ones, and duplicates."""
        longest_ms = max(self.feature_set.windows_ms, default=0)
        return max(longest_ms + self.events.lateness_ms, self.events.duplicate_span_ms)

    def _inconsistencies(self, fields_of: FieldsOf | None) -> Iterator[Problem]:
        if fields_of is not None:
            fields = fields_of(self.events.schema)
            yield from unknown_fields(self.events, self.features, fields)
        yield from unbounded_numbers(self.events, self.features)
        yield from repeated_names(self.features)
        yield from unmatched_terms(self.features, self.model)


def _read(path: Path) -> tuple[bytes, str]:
    try:
        content = path.read_bytes()
        return content, content.decode()
    except OSError as error:
        raise HeadraceError(
            f"The charter {path} cannot be read: {error.strerror}.",
            fix="Name the charter by --charter PATH or HEADRACE_CHARTER.",
        ) from None
    except UnicodeDecodeError as error:
        raise HeadraceError(
            f"The charter {path} is not UTF-8: {error.reason} at byte {error.start}.",
            fix="Save it as UTF-8.",
        ) from None
