"""Profiling: what is counted of others than the charter's key, such as a merchant.

Consumes ``<use-case>.observations``. Produces, in one transaction with the input's offsets,
``<use-case>.profiles``, ``<use-case>.observations.dlq`` and ``<use-case>.profiling.changelog``. Its
state is the counts of each bucket of event time (:mod:`headrace.usecase.buckets`) that a window may
still reach. What has changed is held for the charter's throttle, and told at once where nothing
comes any more (:mod:`.held`).
"""
