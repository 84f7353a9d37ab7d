"""The demo: a whole life of a use case on a real broker, in a minute.

It starts the local stack, applies topics, starts scoring, publishes, watches the decisions come,
verifies all of it, and stops what it started.
"""
