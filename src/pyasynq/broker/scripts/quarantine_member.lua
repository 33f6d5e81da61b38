-- Purpose: archive a member of an aggregation set whose message cannot be read.
-- KEYS[1]: aggregation set
-- KEYS[2]: archived set
-- ARGV[1]: task key
-- ARGV[2]: id
-- ARGV[3]: now in seconds
-- Returns: 1 when it was a member, else 0
-- Memory full: allowed
-- Repeat: safe
if redis.call("ZREM", KEYS[1], ARGV[2]) == 0 then
  return 0
end
redis.call("HSET", ARGV[1], "state", "archived")
redis.call("ZADD", KEYS[2], ARGV[3], ARGV[2])
return 1
