"""Celery, and what a worker process needs."""
