"""Circuit breakers: seen and reset."""
