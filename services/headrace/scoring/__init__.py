"""Scoring: one decision for each valid event, inline and exactly once.

Consumes ``<use-case>.events``. Produces, in one transaction with the input's offsets,
``<use-case>.decisions``, ``<use-case>.audits``, ``<use-case>.events.dlq`` and
``<use-case>.scoring.changelog``. Its state is the recent history of each key, see
:mod:`headrace.usecase.windows`.
"""
