"""A charter over recorded events, in process and without a broker.

The services' own domain code runs: features, profiles, scoring, learning. What was recorded as the
truth comes when the charter says that labels come.
"""
