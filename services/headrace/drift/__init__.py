"""The drift service: notices what has drifted, and when it is over.

Consumes ``<use-case>.sketches`` (what traffic is like) and ``<use-case>.outcomes`` (what came of
it). Produces ``<use-case>.signals``. State: what is usual, and what is suspected, monitor by
monitor, in ``<use-case>.drift.changelog``.
"""
