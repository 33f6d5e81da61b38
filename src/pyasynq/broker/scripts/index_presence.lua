-- Purpose: list a server as alive.
-- KEYS[1]: index
-- ARGV[1]: when the entry expires, in seconds
-- ARGV[2]: member
-- Returns: 1
-- Memory full: allowed
-- Repeat: safe
redis.call("ZREM", KEYS[1], "")
redis.call("ZADD", KEYS[1], ARGV[1], ARGV[2])
return 1
