"""Sketching: what traffic is like, in small records, for who watches all of it in one order.

Consumes ``<use-case>.events``, ``<use-case>.decisions`` and ``<use-case>.events.dlq``, whose
partitions belong together; it only watches them, and gives nothing of them up. Produces, in one
transaction with the input's offsets, ``<use-case>.sketches`` (one partition: a total order). It has
no state: a sketch is of records that were handled together.
"""
