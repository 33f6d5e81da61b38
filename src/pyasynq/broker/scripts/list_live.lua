-- Purpose: list what is alive, and drop from the list what is not, as far as that is permitted.
-- KEYS[1]: index of servers, workers or schedulers
-- ARGV[1]: now in seconds; what expires in this second is still alive
-- ARGV[2]: how many members at most
-- Returns: members
-- Memory full: allowed
-- Repeat: safe
for _, member in ipairs(redis.call("ZRANGEBYSCORE", KEYS[1], "-inf", "(" .. ARGV[1], "LIMIT", 0, 100)) do
  redis.pcall("ZREM", KEYS[1], member) -- who may only read does without
end
return redis.call("ZRANGEBYSCORE", KEYS[1], ARGV[1], "+inf", "LIMIT", 0, ARGV[2])
