"""Records that others send: Fluent Forward, HTTP and syslog, durable before they are acknowledged."""
