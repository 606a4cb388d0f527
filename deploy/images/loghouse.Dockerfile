# loghouse and logq: web, receive, rules, migrate. Target `embedded` adds ClickHouse inside the process.
#
#   docker build -f deploy/images/loghouse.Dockerfile --target loghouse -t logq/loghouse:0.1.0 .
#   docker build -f deploy/images/loghouse.Dockerfile --target embedded -t logq/loghouse-embedded:0.1.0 .
FROM python:3.11.14-slim-bookworm AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY loghouse loghouse
COPY exporters exporters
RUN python -m pip wheel --no-cache-dir --no-deps --wheel-dir /wheels . \
    && python -m venv /opt/logq \
    && /opt/logq/bin/pip install --no-cache-dir --no-compile /wheels/logq-*.whl

FROM build AS build-embedded
RUN /opt/logq/bin/pip install --no-cache-dir --no-compile "$(echo /wheels/logq-*.whl)[embedded]"

FROM python:3.11.14-slim-bookworm AS base
ENV PATH=/opt/logq/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp
RUN groupadd --gid 10001 logq \
    && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin logq \
    && install -d -o 10001 -g 10001 -m 0700 /var/lib/loghouse
LABEL org.opencontainers.image.title="loghouse" \
      org.opencontainers.image.description="Logs of Kubernetes projects in ClickHouse: web page, receiver, rules" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0"
USER 10001:10001
WORKDIR /var/lib/loghouse
# The web page's; where other commands run, the deployment has its own.
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/healthz', timeout=4)"]
ENTRYPOINT ["loghouse"]

FROM base AS loghouse
COPY --from=build /opt/logq /opt/logq
EXPOSE 8080 9428 24224
CMD ["--help"]

FROM base AS embedded
COPY --from=build-embedded /opt/logq /opt/logq
VOLUME ["/var/lib/loghouse"]
EXPOSE 9000 8080
CMD ["up", "--data-dir", "/var/lib/loghouse/store"]
