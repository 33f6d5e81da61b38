-- Purpose: give tasks back to the front of their queue.
-- Uses: remove, fence
-- KEYS[1]: active list
-- KEYS[2]: lease set
-- KEYS[3]: pending list
-- ARGV[1]: task key prefix
-- ARGV[2..]: per task: id, fence, since when it was pending in nanoseconds or ""
-- Returns: the indexes, from 0, of the tasks that no longer are the caller's; -1 less the index of
--          those that are left to another call
-- Memory full: allowed
-- Repeat: by_token
local lost, ids = {}, {}
redis.call("ZCARD", KEYS[2])
redis.call("LLEN", KEYS[3])
for i = 2, #ARGV, 3 do
  local id = ARGV[i]
  local key = ARGV[1] .. id
  if spent > most then
    lost[#lost + 1] = -1 - (i - 2) / 3
  elseif redis.call("EXISTS", key) == 1 and take(key, id, ARGV[i + 1]) then
    ids[#ids + 1] = id
    redis.call("HSET", key, "state", "pending")
    redis.call("HDEL", key, "owner", "on_cancel")
    if ARGV[i + 2] ~= "" then
      redis.call("HSET", key, "pending_since", ARGV[i + 2])
    end
  else
    lost[#lost + 1] = (i - 2) / 3
  end
end
if #ids > 0 then
  redis.call("ZREM", KEYS[2], unpack(ids))
  redis.call("RPUSH", KEYS[3], unpack(ids))
end
return lost
