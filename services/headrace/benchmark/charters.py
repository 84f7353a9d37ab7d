"""The bench charter with other windows, more of them or longer ones, or with models that learn."""

import re
from collections.abc import Sequence

_FEATURES = re.compile(r"(?ms)^\[\[features\]\].*?(?=^\[policy\])")
_REASONS = re.compile(r"(?ms)^\[reasons\].*\Z")
_FIELD = """[[features]]
name = "amount_minor"
field = "amount_minor"
unit = "minor"
"""
_WINDOW = """[[features]]
name = "card_{aggregate}_{hours}h"
aggregate = "{aggregate}"
window = "{hours}h"
"""
_MODEL = """[model]
name = "bench-windows"
version = "1"
intercept = -6.5

[model.features]
{terms}

"""
_TERM = "{name} = {{ mean = 0, scale = 1, weight = 0.0001 }}"
_FORESTS = """
[learning]
champion = "forest"
freeze_every = {every}

[learning.models.forest]
family = "adaptive-forest"
parameters = {{ trees = 10 }}
"""


def with_windows(charter: str, hours: Sequence[int]) -> str:
    """Return the charter's text with count and mean over windows of so many hours."""
    features, names = [_FIELD], ["amount_minor"]
    for each in hours:
        for aggregate in ("count", "mean"):
            features.append(_WINDOW.format(aggregate=aggregate, hours=each))
            names.append(f"card_{aggregate}_{each}h")
    terms = "\n".join(_TERM.format(name=name) for name in names)
    text = "\n".join([*features, _MODEL.format(terms=terms)])
    return _REASONS.sub("", _FEATURES.sub(lambda _: text, charter))


def with_forests(charter: str, every: int) -> str:
    """Return the charter's text with a forest of ten; each so many outcomes make a version."""
    return charter + _FORESTS.format(every=every)
