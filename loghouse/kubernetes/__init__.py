"""What the Kubernetes API tells about the pods of a node."""
