-- Purpose: delete completed tasks whose retention is over.
-- Uses: unlock, forget
-- KEYS[1]: completed set
-- ARGV[1]: task key prefix
-- ARGV[2]: now in seconds
-- ARGV[3]: how many at most
-- Returns: how many were deleted
-- Memory full: allowed
-- Repeat: safe
local ids = redis.call("ZRANGEBYSCORE", KEYS[1], "-inf", ARGV[2], "LIMIT", 0, ARGV[3])
for _, id in ipairs(ids) do
  forget(ARGV[1] .. id, id)
  redis.call("ZREM", KEYS[1], id)
end
return #ids
