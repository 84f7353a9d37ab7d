"""Headrace: decisions inline on Kafka, exactly once, each of them provable."""
