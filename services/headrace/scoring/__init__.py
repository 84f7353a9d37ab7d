"""Scoring: one decision for each valid event, inline and exactly once.

Consumes ``<use-case>.events``. Produces, in one transaction with the input's offsets,
``<use-case>.decisions``, ``<use-case>.audits``, ``<use-case>.events.dlq``,
``<use-case>.scoring.changelog`` and, where the charter has profiles, ``<use-case>.observations``.
Looks entities up in ``<use-case>.entities`` and profiles in ``<use-case>.profiles``; follows
``<use-case>.servings`` to the model that is to serve (``.models``, ``.model-chunks``), and writes
what it did to ``<use-case>.model-audits``. Its state is the recent history of each key, see
:mod:`headrace.usecase.history`, and the reviews of each day, see :mod:`headrace.usecase.reviews`.
"""
