-- Purpose: move the oldest members of a group into an aggregation set, if the group is due.
-- Uses: due, remember
-- KEYS[1]: set of group names
-- KEYS[2]: group
-- KEYS[3]: index of the aggregation sets
-- KEYS[4]: the new aggregation set
-- KEYS[5]: groups whose names may get lost
-- ARGV[1]: name of the group
-- ARGV[2]: now in seconds
-- ARGV[3]: when the set may be reclaimed, in seconds
-- ARGV[4]: grace period in seconds
-- ARGV[5]: longest delay in seconds, or 0
-- ARGV[6]: largest size, or 0
-- ARGV[7]: how many members a set may have
-- Returns: 1 when the set was made, by this call or by an earlier one, else 0
-- Memory full: allowed
-- Repeat: safe
redis.call("ZREM", KEYS[3], "")
if redis.call("ZSCORE", KEYS[3], KEYS[4]) then
  return 1
end
local most = tonumber(ARGV[6])
local size =
  due_size(KEYS[2], tonumber(ARGV[2]), tonumber(ARGV[4]), tonumber(ARGV[5]), most)
if not size then
  return 0
end
local count = math.min(size, tonumber(ARGV[7]))
if most > 0 then
  count = math.min(count, most)
end
local found, arguments = redis.call("ZRANGE", KEYS[2], 0, count - 1, "WITHSCORES"), {}
for i = 1, #found, 2 do
  arguments[i], arguments[i + 1] = found[i + 1], found[i]
end
redis.call("ZADD", KEYS[4], unpack(arguments))
redis.call("ZREMRANGEBYRANK", KEYS[2], 0, count - 1)
redis.call("ZADD", KEYS[3], ARGV[3], KEYS[4])
remember(KEYS[5], ARGV[1], ARGV[3])
if count == size then
  redis.call("SREM", KEYS[1], ARGV[1])
end
return 1
