-- Purpose: delete finished tasks.
-- Uses: remove, fence, unlock, count
-- KEYS[1]: active list
-- KEYS[2]: lease set
-- KEYS[3]: processed counter of the day
-- KEYS[4]: processed counter
-- ARGV[1]: task key prefix
-- ARGV[2]: when the counter of the day expires, in seconds
-- ARGV[3..]: per group of tasks: fence, unique key or "", how many, their ids
-- Returns: the indexes, from 0, of the tasks that no longer are the caller's; -1 less the index of
--          those that are left to another call
-- Memory full: allowed
-- Repeat: by_token
local prefix, lost, ids, keys, locks, indexes = ARGV[1], {}, {}, {}, {}, {}
redis.call("ZCARD", KEYS[2])
local at, index, ours = 3, 0, 0
while at < #ARGV do
  local fence, lock, size = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2])
  for i = at + 3, at + 2 + size do
    local id = ARGV[i]
    if is_callers(prefix .. id, id, fence) then
      ours = ours + 1
      ids[ours], locks[ours], indexes[ours] = id, lock, index
    else
      lost[#lost + 1] = index
    end
    index = index + 1
  end
  at = at + 3 + size
end
local removed = remove_all(KEYS[1], ids)
local done = 0
for i, id in ipairs(ids) do
  if removed[i] then
    done = done + 1
    ids[done], keys[done] = id, prefix .. id
    unlock(locks[i], id)
  else
    lost[#lost + 1] = removed[i] == false and indexes[i] or -1 - indexes[i]
  end
end
if done > 0 then
  redis.call("ZREM", KEYS[2], unpack(ids, 1, done))
  count(KEYS[3], KEYS[4], redis.call("UNLINK", unpack(keys)), ARGV[2])
end
return lost
