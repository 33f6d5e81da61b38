-- Purpose: delete finished tasks.
-- Uses: fence, unlock, count
-- KEYS[1]: active list
-- KEYS[2]: lease set
-- KEYS[3]: processed counter of the day
-- KEYS[4]: processed counter
-- ARGV[1]: task key prefix
-- ARGV[2]: when the counter of the day expires, in seconds
-- ARGV[3..]: per task: id, fence, unique key or ""
-- Returns: the indexes from 0 of tasks that are not the caller's any more
-- Memory full: allowed
-- Repeat: by_token
local lost, ids, keys = {}, {}, {}
redis.call("ZCARD", KEYS[2])
for i = 3, #ARGV, 3 do
  local id = ARGV[i]
  local key = ARGV[1] .. id
  if take(key, id, ARGV[i + 1]) then
    ids[#ids + 1] = id
    unlock(ARGV[i + 2], id)
    keys[#keys + 1] = key
  else
    lost[#lost + 1] = (i - 3) / 3
  end
end
if #ids > 0 then
  redis.call("ZREM", KEYS[2], unpack(ids))
  count(KEYS[3], KEYS[4], redis.call("DEL", unpack(keys)), ARGV[2])
end
return lost
