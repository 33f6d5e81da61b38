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
-- Returns: the indexes from 0 of tasks that are not the caller's any more
-- Memory full: allowed
-- Repeat: by_token
local lost, ids = {}, {}
redis.call("ZCARD", KEYS[2])
redis.call("ZCARD", KEYS[3])
for i = 4, #ARGV, 4 do
  local id = ARGV[i]
  local key = ARGV[1] .. id
  if take(key, id, ARGV[i + 1]) then
    ids[#ids + 1] = id
    redis.call("ZADD", KEYS[3], ARGV[3], id)
    redis.call("HSET", key, "msg", ARGV[i + 2], "state", "archived")
    redis.call("HDEL", key, "owner", "deferred", "on_cancel")
    unlock(ARGV[i + 3], id)
  else
    lost[#lost + 1] = (i - 4) / 4
  end
end
if #ids > 0 then
  redis.call("ZREM", KEYS[2], unpack(ids))
  count(KEYS[4], KEYS[5], #ids, ARGV[2])
  count(KEYS[6], KEYS[7], #ids, ARGV[2])
end
return lost
