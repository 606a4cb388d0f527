"""What a condition can look at (a column, a label, a field, everything), and the SQL of each test on it."""
