"""The machine and the versions that a result is of."""

import os
import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from headrace.contracts.compiled import IS_COMPILED
from headrace.local.cluster import OwnCluster
from headrace.local.lock import KAFKA

_PACKAGES = {
    "quix": ("quixstreams", "confluent-kafka", "fastavro"),
    "faust": ("faust-streaming", "aiokafka", "fastavro"),
    "plain": ("confluent-kafka", "fastavro"),
}
_ASK = (
    "import sys; from importlib.metadata import version;"
    " print(*[version(name) for name in sys.argv[1:]])"
)


def machine() -> dict[str, Any]:
    """Return what the machine is, and how busy it was when asked."""
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        if line.startswith("model name")
    ]
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": names[0] if names else platform.processor(),
        "system": platform.platform(),
        "load_1m": round(os.getloadavg()[0], 2),
    }


def versions(environments: Mapping[str, Path]) -> dict[str, Any]:
    """Return the versions of what ran, by environment."""
    own = ("headrace", "confluent-kafka", "fastavro", "numpy")
    found: dict[str, Any] = {
        "python": platform.python_version(),
        "kafka": _kafka(),
        "headrace": {name: version(name) for name in own} | {"compiled": IS_COMPILED},
    }
    for name, python in environments.items():
        packages = _PACKAGES[name]
        said = subprocess.run(
            [python, "-c", _ASK, *packages], capture_output=True, text=True, check=True
        )
        found[name] = dict(zip(packages, said.stdout.split(), strict=True))
    return found


def _kafka() -> str:
    if OwnCluster.named() is not None:
        return "of the cluster that KAFKA_BOOTSTRAP_SERVERS names"
    return KAFKA.split("+")[0].rsplit(":", 1)[1]
