"""nginx-exporter: nginx' stub_status under the names of nginx-prometheus-exporter."""
