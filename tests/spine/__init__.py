"""The life of a job, on real Postgres and Redis."""
