"""The contract: records as typed Python, the Avro codec, the registry and the topics."""
