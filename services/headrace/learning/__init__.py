"""Learning: a fold over outcomes, from which the models come.

So far its domain: `headrace backtest` runs it in process. The service that consumes
``<use-case>.outcomes`` is to come.
"""
