"""The web page and its HTTP API: all logs in real time, with access control."""
