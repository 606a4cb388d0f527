"""Who may read what: people, the namespaces they see, the fields they do not, and the trace they leave."""
