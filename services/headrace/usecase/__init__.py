"""What a use case declares and what follows from it, as pure functions: no broker, no clock."""
