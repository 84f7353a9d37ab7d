"""Starts and stops the local stack: one real Kafka broker and one real schema registry.

Everything that it writes is under one folder (``HEADRACE_HOME``); nothing listens on anything
but 127.0.0.1. See docs/local-stack.md.
"""
