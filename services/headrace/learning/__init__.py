"""Learning: a fold over outcomes, from which the models come.

Consumes ``<use-case>.outcomes``. Produces, in one transaction with the input's offsets,
``<use-case>.models``, ``<use-case>.model-chunks``, ``<use-case>.servings``,
``<use-case>.evaluations``, ``<use-case>.outcomes.dlq`` and ``<use-case>.learning.changelog``. Looks
at who serves in ``<use-case>.servings``. What it has learned is in memory (:mod:`.standing`); its
state holds the latest snapshot of that, from which it folds on after a restart (:mod:`.following`).
"""
