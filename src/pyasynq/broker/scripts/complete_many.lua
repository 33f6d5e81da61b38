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
-- Returns: the indexes, from 0, of the tasks that no longer are the caller's; -1 less the index of
--          those that are left to another call
-- Memory full: allowed
-- Repeat: by_token
redis.call("ZCARD", KEYS[2])
redis.call("ZCARD", KEYS[3])
local taken, ids, lost = take_all(ARGV[1], 3, 7)
local ends = {}
for i, at in ipairs(taken) do
  local id, msg = ids[i], ARGV[at + 3]
  local key = ARGV[1] .. id
  ends[2 * i - 1], ends[2 * i] = ARGV[at + 4], id
  if ARGV[at + 5] == "1" then
    redis.call("HSET", key, "msg", msg, "state", "completed", "result", ARGV[at + 6])
    redis.call("HDEL", key, "owner", "deferred", "on_cancel")
  else
    redis.call("HSET", key, "msg", msg, "state", "completed")
    redis.call("HDEL", key, "owner", "deferred", "on_cancel", "result")
  end
  unlock(ARGV[at + 2], id)
end
if #ids > 0 then
  redis.call("ZADD", KEYS[3], unpack(ends))
  redis.call("ZREM", KEYS[2], unpack(ids))
  count(KEYS[4], KEYS[5], #ids, ARGV[2])
end
return lost
