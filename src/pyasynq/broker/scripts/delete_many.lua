-- Purpose: delete the first tasks of a list or a sorted set, with their unique locks.
-- Uses: take_first, unlock, forget
-- KEYS[1]: list or sorted set of ids
-- KEYS[2]: set of group names
-- ARGV[1]: task key prefix
-- ARGV[2]: "list" or "zset"
-- ARGV[3]: the state of the tasks
-- ARGV[4]: their group, or ""; its name is removed once it is empty
-- ARGV[5]: how many tasks at most
-- Returns: {ids taken, ids deleted, ids left}; an id of a task that is active or pending is only taken
-- Memory full: allowed
-- Repeat: safe
local ids, left = take_first(KEYS[1], ARGV[2], tonumber(ARGV[5]))
local deleted = 0
for _, id in ipairs(ids) do
  local key = ARGV[1] .. id
  local is_gone = redis.call("EXISTS", key) == 0
  if is_gone or belongs(key, ARGV[3]) then
    forget(key, id)
    deleted = deleted + 1
  end
end
if left == 0 and ARGV[4] ~= "" then
  redis.pcall("SREM", KEYS[2], ARGV[4])
end
return {#ids, deleted, left}
