"""A charter over recorded events or a topic's history, without a broker in the loop.

The services' own domain code runs: features, profiles, scoring, learning. A recording's truth comes
when the charter says that labels come, a topic's labels when they were observed. And a live run is
decided again, from what its decisions have logged.
"""
