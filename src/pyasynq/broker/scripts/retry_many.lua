-- Purpose: move tasks that did not succeed to the retry set, to run again later.
-- Uses: remove, fence, count
-- KEYS[1]: active list
-- KEYS[2]: lease set
-- KEYS[3]: retry set
-- KEYS[4]: processed counter of the day
-- KEYS[5]: processed counter
-- KEYS[6]: failed counter of the day
-- KEYS[7]: failed counter
-- ARGV[1]: task key prefix
-- ARGV[2]: when the counters of the day expire, in seconds
-- ARGV[3..]: per task: id, fence, msg, due in nanoseconds, due in seconds, "1" for a failure,
--            deferrals so far
-- Returns: the indexes, from 0, of the tasks that no longer are the caller's; -1 less the index of
--          those that are left to another call
-- Memory full: allowed
-- Repeat: by_token
redis.call("ZCARD", KEYS[2])
redis.call("ZCARD", KEYS[3])
local taken, ids, lost = take_all(ARGV[1], 3, 7)
local dues, failures = {}, 0
for i, at in ipairs(taken) do
  local id = ids[i]
  local key = ARGV[1] .. id
  dues[2 * i - 1], dues[2 * i] = ARGV[at + 4], id
  redis.call("HSET", key, "msg", ARGV[at + 2], "state", "retry", "process_at_ns", ARGV[at + 3])
  redis.call("HDEL", key, "owner", "deferred", "on_cancel")
  if ARGV[at + 6] ~= "0" then
    redis.call("HSET", key, "deferred", ARGV[at + 6])
  end
  if ARGV[at + 5] == "1" then
    failures = failures + 1
  end
end
if #ids > 0 then
  redis.call("ZADD", KEYS[3], unpack(dues))
  redis.call("ZREM", KEYS[2], unpack(ids))
  count(KEYS[4], KEYS[5], failures, ARGV[2])
  count(KEYS[6], KEYS[7], failures, ARGV[2])
end
return lost
