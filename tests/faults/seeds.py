"""How often each scenario is run: ``HEADRACE_FAULT_SEEDS`` times, the long ones a tenth of that."""

import os

_SEEDS = int(os.environ.get("HEADRACE_FAULT_SEEDS") or 2)

EVERY = range(_SEEDS)
TENTH = range(max(1, _SEEDS // 10))
