-- Purpose: delete archived tasks that are too old or too many, the oldest first.
-- Uses: unlock, forget
-- KEYS[1]: archived set
-- ARGV[1]: task key prefix
-- ARGV[2]: tasks archived up to then, in seconds, are deleted
-- ARGV[3]: how many tasks the archive keeps
-- ARGV[4]: how many to delete at most
-- Returns: how many were deleted
-- Memory full: allowed
-- Repeat: safe
local limit = tonumber(ARGV[4])
local old = redis.call("ZRANGEBYSCORE", KEYS[1], "-inf", ARGV[2], "LIMIT", 0, limit)
local excess = math.min(limit, redis.call("ZCARD", KEYS[1]) - tonumber(ARGV[3]))
if excess > #old then
  old = redis.call("ZRANGE", KEYS[1], 0, excess - 1)
end
for _, id in ipairs(old) do
  forget(ARGV[1] .. id, id)
  redis.call("ZREM", KEYS[1], id)
end
return #old
