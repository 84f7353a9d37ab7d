"""Writes the lock of jars again, to stdout: ``python -m headrace.local.lock``.

Run it after changing a version below. It asks Maven's repositories which jars Kafka needs
(which takes half a minute) and records each file's SHA-256. Starting the stack never resolves
anything: it fetches exactly the files of the lock.
"""

import hashlib
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jgo.maven import Artifact

    from headrace.local.artifacts import Part

# kafka_2.13 alone holds the broker and its StorageTool; kafka-tools would add 46 jars of Connect.
KAFKA = "org.apache.kafka:kafka_2.13:4.3.1+org.slf4j:slf4j-reload4j:1.7.36"
# These hold all that they need in one file.
SINGLE_FILES: "dict[Part, tuple[str, str, str, str, str]]" = {
    "registry": ("io.apicurio", "apicurio-registry-app", "3.3.3", "all", "tar.gz"),
    "zipkin": ("io.zipkin", "zipkin-server", "3.5.1", "exec", "jar"),
}


def _table(part: "Part", artifact: "Artifact") -> str:
    content = artifact.resolve().read_bytes()
    return f"""
[[artifacts]]
part = "{part}"
group = "{artifact.groupId}"
artifact = "{artifact.artifactId}"
version = "{artifact.version}"
classifier = "{artifact.classifier}"
packaging = "{artifact.packaging}"
size_bytes = {len(content)}
sha256 = "{hashlib.sha256(content).hexdigest()}"
"""


def main() -> None:
    """Resolve every artifact into a scratch folder and write the lock to stdout."""
    from jgo.env import EnvironmentBuilder
    from jgo.maven import MavenContext

    with tempfile.TemporaryDirectory() as scratch:
        context = MavenContext(repo_cache=Path(scratch, "m2"), local_repos=[], timeout=60)
        builder = EnvironmentBuilder(context=context, cache_dir=Path(scratch, "jgo"))
        lock = builder.from_endpoint(KAFKA).lockfile
        tables = [
            _table(
                "kafka",
                context.project(found.groupId, found.artifactId)
                .at_version(found.version)
                .artifact(found.classifier or "", found.packaging),
            )
            for found in sorted(
                lock.dependencies if lock else [], key=lambda d: (d.groupId, d.artifactId)
            )
        ]
        for part, (group, name, version, classifier, packaging) in SINGLE_FILES.items():
            component = context.project(group, name).at_version(version)
            tables.append(_table(part, component.artifact(classifier, packaging)))
    sys.stdout.write("# Written by: python -m headrace.local.lock\n" + "".join(tables))


if __name__ == "__main__":
    main()
