-- Purpose: put tasks that ended without success aside, to run again later.
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
-- Returns: the indexes from 0 of tasks that are not the caller's any more
-- Memory full: allowed
-- Repeat: by_token
local lost, ids, failures = {}, {}, 0
redis.call("ZCARD", KEYS[2])
redis.call("ZCARD", KEYS[3])
for i = 3, #ARGV, 7 do
  local id = ARGV[i]
  local key = ARGV[1] .. id
  if take(key, id, ARGV[i + 1]) then
    ids[#ids + 1] = id
    redis.call("ZADD", KEYS[3], ARGV[i + 4], id)
    redis.call("HSET", key, "msg", ARGV[i + 2], "state", "retry", "process_at_ns", ARGV[i + 3])
    redis.call("HDEL", key, "owner", "deferred", "on_cancel")
    if ARGV[i + 6] ~= "0" then
      redis.call("HSET", key, "deferred", ARGV[i + 6])
    end
    if ARGV[i + 5] == "1" then
      failures = failures + 1
    end
  else
    lost[#lost + 1] = (i - 3) / 7
  end
end
if #ids > 0 then
  redis.call("ZREM", KEYS[2], unpack(ids))
  count(KEYS[4], KEYS[5], failures, ARGV[2])
  count(KEYS[6], KEYS[7], failures, ARGV[2])
end
return lost
