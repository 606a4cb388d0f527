# The shipper of a node and nothing else.
#
#   docker build -f deploy/images/ship.Dockerfile -t logq/ship:0.1.0 .
FROM python:3.11.14-slim-bookworm AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY loghouse loghouse
COPY exporters exporters
COPY deploy/images/ship.requirements.txt ./
RUN python -m pip wheel --no-cache-dir --no-deps --wheel-dir /wheels . \
    && python -m venv /opt/logq \
    && /opt/logq/bin/pip install --no-cache-dir --no-compile -r ship.requirements.txt \
    && /opt/logq/bin/pip install --no-cache-dir --no-compile --no-deps /wheels/logq-*.whl \
    && /opt/logq/bin/pip uninstall -q -y setuptools pip

FROM python:3.11.14-slim-bookworm AS ship
ENV PATH=/opt/logq/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp
RUN groupadd --gid 10001 logq \
    && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin logq \
    && install -d -o 10001 -g 10001 -m 0700 /var/lib/loghouse
LABEL org.opencontainers.image.title="loghouse ship" \
      org.opencontainers.image.description="Ships the container logs of a node to ClickHouse" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/logq /opt/logq
# Container logs are root's on most nodes: the DaemonSet runs this as root, without any capability but reading.
USER 10001:10001
HEALTHCHECK --interval=15s --timeout=5s --start-period=10s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:9429/healthz', timeout=4)"]
ENTRYPOINT ["loghouse", "ship"]
CMD ["/var/log/pods"]
