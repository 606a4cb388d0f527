# All exporters in one small image; the command says which: php-fpm-exporter, rabbitmq-exporter, redis-exporter,
# apache-exporter, memcached-exporter, nginx-exporter, or logq-exporters for several in one process.
#
#   docker build -f deploy/images/exporters.Dockerfile -t logq/exporters:0.1.0 .
#   docker run logq/exporters:0.1.0 redis-exporter --redis.addr=redis://cache:6379
FROM python:3.11.14-slim-bookworm AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY loghouse loghouse
COPY exporters exporters
COPY deploy/images/exporters.requirements.txt ./
# Neither the installer nor what only loghouse runs goes into the image.
RUN python -m pip wheel --no-cache-dir --no-deps --wheel-dir /wheels . \
    && python -m venv /opt/logq \
    && /opt/logq/bin/pip install --no-cache-dir --no-compile -r exporters.requirements.txt \
    && /opt/logq/bin/pip install --no-cache-dir --no-compile --no-deps /wheels/logq-*.whl \
    && rm -r /opt/logq/lib/python3.11/site-packages/loghouse /opt/logq/bin/loghouse /opt/logq/bin/logq \
    && /opt/logq/bin/pip uninstall -q -y setuptools pip

FROM python:3.11.14-slim-bookworm AS exporters
ENV PATH=/opt/logq/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    HEALTH_PORT=9253
RUN groupadd --gid 10001 logq \
    && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin logq
LABEL org.opencontainers.image.title="logq exporters" \
      org.opencontainers.image.description="Prometheus exporters for php-fpm, RabbitMQ, Redis, Apache, memcached, nginx" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/logq /opt/logq
USER 10001:10001
# HEALTH_PORT is the port of the exporter that runs; php-fpm-exporter's unless set.
HEALTHCHECK --interval=15s --timeout=5s --start-period=5s \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ['HEALTH_PORT'] + '/healthz', timeout=4)"]
EXPOSE 9253 9419 9121 9117 9150 9113
CMD ["logq-exporters", "--help"]
