"""What every benchmark script shares: a Redis of its own, rounds, tables, records."""
