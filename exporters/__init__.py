"""Prometheus exporters for php-fpm, RabbitMQ, Redis, Apache, memcached and nginx.

How an exporter is made of the shared modules (`exporters/memcached` is the shortest example):

- `settings`: its settings are a frozen dataclass of `Annotated[type, Flag(...)]` fields;
- `connection`, `deadline`, `errors`: its client reads the target with one total deadline and bounded
  answers, and raises `ScrapeError(reason)`;
- `families`: its mapping turns a snapshot of the target into `Family` objects;
- `exporter`: its class follows the protocol `Exporter`; `run_parts` keeps one failing part from the others;
- `command`: a `Kind` joins them, and `run(KIND)` is the console script (flags, `--once`, serving);
- `pages`, `httpserver`, `webconfig`, `targets`, `exposition` serve it; `registry` embeds it in applications.
"""
