-- Purpose: archive tasks that failed for good.
-- Uses: remove, fence, unlock, count
-- KEYS[1]: active list
-- KEYS[2]: lease set
-- KEYS[3]: archived set
-- KEYS[4]: processed counter of the day
-- KEYS[5]: processed counter
-- KEYS[6]: failed counter of the day
-- KEYS[7]: failed counter
-- ARGV[1]: task key prefix
-- ARGV[2]: when the counters of the day expire, in seconds
-- ARGV[3]: now in seconds
-- ARGV[4..]: per task: id, fence, msg, unique key to free or ""
-- Returns: the indexes, from 0, of the tasks that no longer are the caller's; -1 less the index of
--          those that are left to another call
-- Memory full: allowed
-- Repeat: by_token
redis.call("ZCARD", KEYS[2])
redis.call("ZCARD", KEYS[3])
local taken, ids, lost = take_all(ARGV[1], 4, 4)
local times = {}
for i, at in ipairs(taken) do
  local id = ids[i]
  local key = ARGV[1] .. id
  times[2 * i - 1], times[2 * i] = ARGV[3], id
  redis.call("HSET", key, "msg", ARGV[at + 2], "state", "archived")
  redis.call("HDEL", key, "owner", "deferred", "on_cancel")
  unlock(ARGV[at + 3], id)
end
if #ids > 0 then
  redis.call("ZADD", KEYS[3], unpack(times))
  redis.call("ZREM", KEYS[2], unpack(ids))
  count(KEYS[4], KEYS[5], #ids, ARGV[2])
  count(KEYS[6], KEYS[7], #ids, ARGV[2])
end
return lost
