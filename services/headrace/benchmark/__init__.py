"""The benchmark: headrace and its peers on the same broker, the same input and the same job.

The peers' programs are in ``bench/peers``; none of them knows headrace. Here they are given
environments, topics and input, run in turn, checked and timed.
"""
