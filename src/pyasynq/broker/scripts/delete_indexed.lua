-- Purpose: delete some of the keys that an index of a queue names.
-- KEYS[1]: index
-- ARGV[1]: what the keys begin with
-- ARGV[2]: how many to delete at most
-- Returns: how many are left
-- Memory full: allowed
-- Repeat: safe
for _, name in ipairs(redis.call("ZRANGE", KEYS[1], 0, tonumber(ARGV[2]) - 1)) do
  redis.call("UNLINK", ARGV[1] .. name)
  redis.call("ZREM", KEYS[1], name)
end
return redis.call("ZCARD", KEYS[1])
