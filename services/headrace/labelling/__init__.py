"""Labelling: what decided events turned out to be, from decisions and labels.

Consumes ``<use-case>.decisions`` and ``<use-case>.labels``, whose partitions belong together.
Produces, in one transaction with the input's offsets, ``<use-case>.outcomes`` (one partition: a
total order), ``<use-case>.observations`` (of positives, for the profiles), both inputs' ``.dlq``
and ``<use-case>.labelling.changelog``. Its state is, of each event, the decision and the labels
until nobody may speak of it any more, and how far event time has come (:mod:`.watermarks`).
"""
