"""What is taken out of logs before they are kept: secrets, records by rule, what is too much."""
