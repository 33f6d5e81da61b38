-- Purpose: take an id out of the list or the sorted set of a state, if there is no such task.
-- Uses: unlock, forget
-- KEYS[1]: list or sorted set of ids; not the active list
-- ARGV[1]: task key
-- ARGV[2]: id
-- ARGV[3]: "list" or "zset"
-- Returns: 1 when removed, 0 when there is a task after all, or nothing to remove
-- Memory full: allowed
-- Repeat: safe
local msg = redis.pcall("HGET", ARGV[1], "msg")
if type(msg) == "table" or (msg and msg ~= "") then
  return 0
end
local removed
if ARGV[3] == "list" then
  removed = redis.call("LREM", KEYS[1], -1, ARGV[2]) -- the oldest are at the tail
else
  removed = redis.call("ZREM", KEYS[1], ARGV[2])
end
forget(ARGV[1], ARGV[2])
return removed > 0 and 1 or 0
