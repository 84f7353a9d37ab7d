"""What became of one event, told to a person; and dead letters, shown and published again.

Reads the topics of a use case, committed records only, and writes nothing but replays.
"""
