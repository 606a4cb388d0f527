"""Alert rules and recording rules on logs: read from files, judged on the store, sent to Alertmanager."""
