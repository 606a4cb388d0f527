"""What an operator asks on a node: status, quarantine, doctor."""
