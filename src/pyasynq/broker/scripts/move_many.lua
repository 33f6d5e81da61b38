-- Purpose: make the first tasks of a list or a sorted set pending, or archive them.
-- Uses: take_first, place
-- KEYS[1]: list or sorted set of ids
-- KEYS[2]: pending list, or archived set
-- KEYS[3]: set of group names
-- ARGV[1]: task key prefix
-- ARGV[2]: "list" or "zset"
-- ARGV[3]: the state of the tasks
-- ARGV[4]: their group, or ""; its name is removed once it is empty
-- ARGV[5]: how many tasks at most
-- ARGV[6]: "pending" or "archived"
-- ARGV[7]: now in seconds
-- ARGV[8]: now in nanoseconds
-- Returns: {ids taken, tasks moved, ids left}; an id without a task is only taken
-- Memory full: allowed
-- Repeat: safe
check_target(KEYS[2], ARGV[6])
local ids, left = take_first(KEYS[1], ARGV[2], tonumber(ARGV[5]))
local moved = 0
for _, id in ipairs(ids) do
  local key = ARGV[1] .. id
  if belongs(key, ARGV[3]) then
    place(KEYS[2], ARGV[6], key, id, ARGV[7], ARGV[8])
    moved = moved + 1
  end
end
if left == 0 and ARGV[4] ~= "" then
  redis.pcall("SREM", KEYS[3], ARGV[4])
end
return {#ids, moved, left}
