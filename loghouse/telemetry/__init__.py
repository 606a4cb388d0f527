"""What a daemon tells about itself over HTTP: /metrics, /healthz and /status."""
