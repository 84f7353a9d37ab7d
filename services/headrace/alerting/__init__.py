"""Alerting: what goes wrong becomes incidents, and people are told of them.

Consumes ``<use-case>.heartbeats``, ``.signals``, ``.evaluations`` and ``.incident-commands``, of
one partition each. Produces, in one transaction with the inputs' offsets, ``.incidents``,
``.alerts``, the inputs' dead letters and ``.alerting.changelog``; what stands in ``.alerts`` is
then delivered to a webhook (:mod:`.webhook`). Its state: the incidents of each cause
(:mod:`.incidents`), and of which service something was heard when (:mod:`.services`). Time comes
with the records, above all with the signs of life that alerting itself sends.
"""
