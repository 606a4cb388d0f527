"""memcached-exporter: memcached over TCP, TLS or a unix socket, with the metrics of prometheus' exporter."""
