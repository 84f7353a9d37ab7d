"""The charter: the one file in which a use case declares what the platform is to do for it."""

import tomllib
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from headrace.errors import HeadraceError
from headrace.usecase.accountability import Fairness, Kpi, KpiCondition, Owner
from headrace.usecase.agreement import FieldsOf, disagreements
from headrace.usecase.alerting import Alerting
from headrace.usecase.checks import EventChecks
from headrace.usecase.declared import STRICT, Slug, Text, an_example
from headrace.usecase.drift import Drift
from headrace.usecase.events import Events
from headrace.usecase.features import Feature, FeatureSet
from headrace.usecase.labels import Labels
from headrace.usecase.learning import Learning
from headrace.usecase.limits import Budget, Deadline, ReviewCapacity, Stage
from headrace.usecase.policy import Action, Policy
from headrace.usecase.problems import charter_error, syntax_error
from headrace.usecase.profiles import Profile
from headrace.usecase.rules import Rule
from headrace.usecase.salvage import salvage
from headrace.usecase.scorecard import Scorecard
from headrace.usecase.structure import declared_wrongly
from headrace.usecase.templates import TemplateText
from headrace.usecase.values import Values

# A topic's name begins with it, and its parts are divided by dots.
TopicSafe = Annotated[
    str, StringConstraints(strict=True, pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=64)
]
_TO_GO_ON = {"kpi": "loss_share", "below": 0.001, "over": "28d"}
_TO_STOP = {"kpi": "loss_share", "above": 0.002, "over": "7d"}


class Charter(BaseModel):
    """What a use case declares; see docs/charter.md for every key."""

    model_config = ConfigDict(**STRICT, frozen=True)

    name: TopicSafe = Field(examples=["demand"])
    """The use case, in small letters, digits and hyphens; its topics begin with it."""
    version: Text = Field(examples=["1"])
    """The charter's version, for people; records carry the SHA-256 of the file."""
    objective: Text = Field(examples=["Stop what would be a loss, and leave everybody else alone."])
    """What the decisions are for, in a sentence that the business would sign."""
    stage: Stage = Field(examples=["shadow"])
    """Whether decisions are acted on: not at all, for a share of the events, or for all."""
    owner: Owner = Field(examples=[an_example(Owner)])
    """Who answers for the decisions."""
    kpis: tuple[Kpi, ...] = Field(min_length=1, examples=[[an_example(Kpi)]])
    """What the business gains, in numbers that somebody measures."""
    go_on: tuple[KpiCondition, ...] = Field(min_length=1, examples=[[_TO_GO_ON]])
    """All must hold for the use case to go on to its next stage."""
    stop: tuple[KpiCondition, ...] = Field(min_length=1, examples=[[_TO_STOP]])
    """Any of them ends it."""
    budget: Budget = Field(examples=[an_example(Budget)])
    """What running it may cost."""
    deadline: Deadline = Field(examples=[an_example(Deadline)])
    """When a decision is too late to be of use."""
    review_capacity: ReviewCapacity | None = None
    """How much people can look at; without it, there is no limit."""
    fairness: Fairness | None = None
    """Who must not be decided about differently."""
    labels: Labels = Field(examples=[an_example(Labels)])
    """How the use case learns what its events really were."""
    events: Events = Field(examples=[an_example(Events)])
    """What is decided."""
    features: tuple[Feature, ...] = Field(min_length=1)
    """What the model sees, in the order of the vector."""
    profiles: dict[Slug, Profile] = Field(default={}, examples=[{"merchant": {"key": "shop_id"}}])
    """Others than the stream's own key of whom features know something, by name."""
    model: Scorecard
    """The model that decides before anything has been learned."""
    learning: Learning | None = None
    """How models learn from outcomes; without it, the scorecard decides for ever."""
    drift: Drift = Field(default=Drift())
    """How closely it is watched for drift."""
    rules: tuple[Rule, ...] = ()
    """What is done whatever the model says."""
    policy: Policy
    """What is done where the cheapest action is not simply taken."""
    values: Values | None = None
    """What each outcome is worth in money."""
    alerting: Alerting = Alerting()
    """Who is told of what goes wrong, and how often; as docs/charter.md says where not given."""
    reasons: dict[Slug, TemplateText] = Field(default={})
    """By feature, what is said where it counts against an event."""
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
        except tomllib.TOMLDecodeError as error:
            raise syntax_error(path, text, error) from None
        try:
            charter = cls.model_validate(document, context=sha256(content).digest())
        except ValidationError as error:
            problems = list(declared_wrongly(error, cls, document))
            problems += disagreements(salvage(cls, document), fields_of)
            raise charter_error(path, text, problems) from None
        if problems := list(disagreements(charter, fields_of)):
            raise charter_error(path, text, problems)
        return charter

    def model_post_init(self, context: Any) -> None:
        """Keep the digest of the file, which :meth:`load` hands over."""
        self._digest = context

    @property
    def digest(self) -> bytes:
        """SHA-256 of the file's bytes."""
        return self._digest

    @property
    def deadline_ms(self) -> int:
        """Milliseconds from an event's arrival after which its decision is too late."""
        return self.deadline.within_ms

    @property
    def late_action(self) -> Action:
        """What is done about an event that was decided too late."""
        return self.deadline.late_action

    @cached_property
    def feature_set(self) -> FeatureSet:
        """The features as one vector."""
        events = self.events
        return FeatureSet(
            self.features,
            key=events.key,
            time=events.time,
            amount=events.amount,
            profiles=self.profiles,
        )

    @cached_property
    def checks(self) -> EventChecks:
        """What every event must pass."""
        events = self.events
        return EventChecks(events.checks, events.time, events.future_skew_ms, events.personal)

    @property
    def retention_ms(self) -> int:
        """How long a key's history keeps an event: for windows of late ones, and duplicates."""
        longest_ms = max(self.feature_set.windows_ms, default=0)
        return max(longest_ms + self.events.lateness_ms, self.events.duplicate_span_ms)


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
