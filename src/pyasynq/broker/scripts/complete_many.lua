-- Purpose: keep finished tasks for their retention.
-- Uses: remove, fence, unlock, count
-- KEYS[1]: active list
-- KEYS[2]: lease set
-- KEYS[3]: completed set
-- KEYS[4]: processed counter of the day
-- KEYS[5]: processed counter
-- ARGV[1]: task key prefix
-- ARGV[2]: when the counter of the day expires, in seconds
-- ARGV[3..]: per task: id, fence, unique key or "", msg, end of retention in seconds,
--            "1" with a result, result
-- Returns: the indexes from 0 of tasks that are not the caller's any more
-- Memory full: allowed
-- Repeat: by_token
local lost, ids = {}, {}
redis.call("ZCARD", KEYS[2])
redis.call("ZCARD", KEYS[3])
for i = 3, #ARGV, 7 do
  local id = ARGV[i]
  local key = ARGV[1] .. id
  if take(key, id, ARGV[i + 1]) then
    ids[#ids + 1] = id
    redis.call("ZADD", KEYS[3], ARGV[i + 4], id)
    redis.call("HSET", key, "msg", ARGV[i + 3], "state", "completed")
    redis.call("HDEL", key, "owner", "deferred", "on_cancel")
    if ARGV[i + 5] == "1" then
      redis.call("HSET", key, "result", ARGV[i + 6])
    else
      redis.call("HDEL", key, "result")
    end
    unlock(ARGV[i + 2], id)
  else
    lost[#lost + 1] = (i - 3) / 7
  end
end
if #ids > 0 then
  redis.call("ZREM", KEYS[2], unpack(ids))
  count(KEYS[4], KEYS[5], #ids, ARGV[2])
end
return lost
