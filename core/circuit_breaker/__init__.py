"""Stop asking what does not answer: one breaker for all workers and API nodes, its state kept in Redis."""

from core.circuit_breaker.breaker import BreakerOpenError, BreakerView, SharedBreaker

__all__ = ["BreakerOpenError", "BreakerView", "SharedBreaker"]
