# syntax=docker/dockerfile:1
# The image of every process of the platform; docker-compose.yml says which command each one runs.
# Python 3.11 is the oldest version the lock allows and the one the suite runs on.
FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
WORKDIR /app
# The native part of the workbook reader is built here and goes along as a file; the image that runs has no compiler.
RUN apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
# The lock first: a change of our code doesn't install the dependencies again. Servers from wheels (the extra
# `local`) are not in this lock: here they are containers of their own.
COPY requirements/base.txt requirements/base.txt
RUN pip install --require-hashes -r requirements/base.txt
COPY . .
RUN pip install --no-deps --no-build-isolation -e . \
    && python -m core.workbook.build_native \
    && python -m compileall -q api workers tasks models core client

FROM python:3.11-slim-bookworm
# Lines of the log are written as they come, also into a pipe.
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 RECKONER_HOME=/var/lib/reckoner
# A number of its own, so that a volume's files have the same owner in every release.
RUN groupadd --system --gid 10001 reckoner \
    && useradd --system --uid 10001 --gid reckoner --no-create-home --home-dir /var/lib/reckoner reckoner \
    && install --directory --owner reckoner --group reckoner --mode 0750 /var/lib/reckoner
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
WORKDIR /app
USER reckoner
VOLUME /var/lib/reckoner
EXPOSE 8000
# Whether the process answers, not whether its database does: a restart would not mend that.
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/livez', timeout=2)"]
CMD ["python", "-m", "api"]
