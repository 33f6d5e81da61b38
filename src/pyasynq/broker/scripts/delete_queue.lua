-- Purpose: delete every key of a queue that holds no task.
-- KEYS[1..2]: pending list, active list
-- KEYS[3..6]: scheduled, retry, archived, completed set
-- KEYS[7]: index of the aggregation sets
-- KEYS[8]: set of group names
-- KEYS[9..]: all its other keys
-- ARGV[1]: group key prefix
-- Returns: how many tasks it holds, among them those of some groups; when it is 0, the keys are deleted
-- Memory full: allowed
-- Repeat: safe
local size = 0
for i = 1, 7 do
  local held = redis.pcall(i <= 2 and "LLEN" or "ZCARD", KEYS[i])
  size = size + (type(held) == "number" and held or 0)
end
local names = redis.pcall("SSCAN", KEYS[8], 0, "COUNT", 1000)
for _, name in ipairs(names[2] or {}) do
  local held = redis.pcall("ZCARD", ARGV[1] .. name)
  size = size + (type(held) == "number" and held or 0)
end
if size == 0 then
  redis.call("DEL", unpack(KEYS))
end
return size
