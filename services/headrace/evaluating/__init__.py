"""Evaluating: how good each model's scores were, by what became known of the events, and when.

Pure: a fold over outcomes in their order, without a clock and without I/O. What the numbers are:
docs/evaluations.md; why they are computed so: decision 0015.
"""
