"""What is stored in Redis and how: key names, messages, records, option and duration texts."""
