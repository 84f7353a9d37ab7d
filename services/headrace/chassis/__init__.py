"""What every service stands on: Kafka clients, the stream, its state, health and metrics."""
