"""An independent reader of a use case's topics: whether what stands there keeps the promises.

It shares no code with what writes those topics: it reads the charter's file, decodes and compares
by itself. ``ledger`` and what it stands on are pure; ``reading`` and ``verifier`` know Kafka.
"""
