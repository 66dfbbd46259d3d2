"""Areas, neighbours, editions, lookups, tile map."""
