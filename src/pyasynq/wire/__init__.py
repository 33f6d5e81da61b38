"""What is stored in Redis, and in which form: keys, messages, records, and texts of Go."""
