"""Labelling: from decisions and labels to outcomes.

So far its domain: `headrace backtest` runs it in process. The service that joins
``<use-case>.decisions`` with ``<use-case>.labels`` is to come.
"""
