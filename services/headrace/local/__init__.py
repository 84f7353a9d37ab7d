"""Starts and stops the local stack: a real Kafka broker, a real schema registry, a real Zipkin.

Everything that it writes is under one folder (``HEADRACE_HOME``); nothing listens on anything
but 127.0.0.1. See docs/local-stack.md.
"""
