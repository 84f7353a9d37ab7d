"""What the demo and the benchmark stand on: a use case of their own on a real broker.

Its topics, schemas and model; scoring as a process; watching the decisions arrive; an end that
nothing disturbs.
"""
