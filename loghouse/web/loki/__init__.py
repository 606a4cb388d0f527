"""Loki's query API over our store: Grafana's built-in data source and logcli work as they are."""
