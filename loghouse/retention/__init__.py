"""How long records are kept: rules in the query language, made into the TTL of the tables."""
