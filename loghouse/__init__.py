"""loghouse: ship logs into ClickHouse, search and tail them."""
