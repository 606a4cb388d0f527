"""redis-exporter: Redis, Valkey, KeyDB, Sentinel and Cluster with the metrics of oliver006's exporter."""
