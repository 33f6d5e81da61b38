-- Purpose: list what is alive, and drop from the list what is not.
-- Uses: drop_expired
-- KEYS[1]: index of servers, workers or schedulers
-- ARGV[1]: now in seconds; what expires in this second is still alive
-- ARGV[2]: how many members at most
-- Returns: members
-- Memory full: allowed
-- Repeat: safe
redis.call("ZREM", KEYS[1], "")
drop_expired(KEYS[1], ARGV[1])
return redis.call("ZRANGEBYSCORE", KEYS[1], ARGV[1], "+inf", "LIMIT", 0, ARGV[2])
