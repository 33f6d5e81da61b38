-- Purpose: show that a server aggregates groups of this queue, for a while.
-- Uses: drop_expired
-- KEYS[1]: servers that aggregate
-- ARGV[1]: server
-- ARGV[2]: now in seconds
-- ARGV[3]: for how many seconds
-- Returns: 1
-- Memory full: allowed
-- Repeat: safe
redis.call("ZREM", KEYS[1], "")
drop_expired(KEYS[1], ARGV[2])
redis.call("ZADD", KEYS[1], ARGV[2] + ARGV[3], ARGV[1])
redis.call("EXPIRE", KEYS[1], ARGV[3])
return 1
