-- Purpose: list a server as alive, and drop servers from the list that are not.
-- Uses: drop_expired
-- KEYS[1]: index
-- ARGV[1]: when the entry expires, in seconds
-- ARGV[2]: member
-- ARGV[3]: entries that expired before this second are dropped
-- Returns: 1
-- Memory full: allowed
-- Repeat: safe
redis.call("ZREM", KEYS[1], "")
drop_expired(KEYS[1], ARGV[3])
redis.call("ZADD", KEYS[1], ARGV[1], ARGV[2])
return 1
