"""``python -m headrace``: the command line, for when its script is not on the path."""

from headrace.cli import main

main()
