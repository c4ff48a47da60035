"""Building blocks that know neither Flask, Celery nor SQLAlchemy."""
