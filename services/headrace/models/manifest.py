"""The manifest of a model: what it is, of which arrays it consists, where it comes from."""

from typing import Annotated, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

STRICT = ConfigDict(strict=True, extra="forbid", frozen=True)
Sha256Hex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


Family = Literal["logistic", "linear", "forest", "bayes", "tree", "mean"]
"""How a model computes its score."""


class ArraySpec(BaseModel):
    """One array: the chunk that holds it, and what must come out of it."""

    model_config = STRICT

    sha256: Sha256Hex
    """Of the chunk's bytes, and the chunk's name."""
    dtype: Literal["<f8"]
    shape: tuple[int, ...]


class _Lineage(BaseModel):
    model_config = STRICT

    charter: Sha256Hex
    """Digest of the charter that declares the model."""
    numpy: str
    """Version that wrote the arrays."""


class ScorecardLineage(_Lineage):
    """An expert has made it."""

    origin: Literal["scorecard"] = "scorecard"


class LearnedLineage(_Lineage):
    """It was learned from outcomes."""

    origin: Literal["learned"] = "learned"
    outcomes: Annotated[int, Field(ge=0)]
    """From how many, those of the negatives included that it was not shown."""
    until_offset: Annotated[int, Field(ge=0)] | None = None
    """The offset after the last one in their topic; None where they came from elsewhere."""
    is_retrained: bool = False
    """Whether it was learned anew from what the events are held to be in the end; else one by one,
    as it became known."""
    reason: str = ""
    """Why it was learned anew, in the words of who had it done."""
    river: str
    """Version that learned."""


Lineage = Annotated[ScorecardLineage | LearnedLineage, Field(discriminator="origin")]
"""Where a model comes from."""


class Manifest(BaseModel):
    """What a signature covers; every byte of the arrays follows from it."""

    model_config = STRICT

    format: Literal[1]
    family: Family
    name: str
    version: str
    feature_set: Sha256Hex
    """Digest of the feature set that the model was made for."""
    features: tuple[str, ...]
    """Their names, in the order of the vector."""
    arrays: dict[str, ArraySpec]
    negatives_share: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of the negatives that it was learned from; its scores are corrected for the others."""
    lineage: Lineage
    created_at_ms: int

    def to_bytes(self) -> bytes:
        """Return the canonical JSON: sorted keys, no spaces."""
        return orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)
