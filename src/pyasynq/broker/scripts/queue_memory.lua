-- Purpose: estimate the memory of the tasks of a queue from the sizes of some.
-- KEYS[1..2]: pending list, active list
-- KEYS[3..6]: scheduled, retry, archived, completed set
-- KEYS[7]: set of group names
-- ARGV[1]: task key prefix
-- ARGV[2]: group key prefix
-- ARGV[3]: how many tasks of each state, and of each group, stand for all of it
-- ARGV[4]: of how many groups
-- ARGV[5..10]: how many tasks each of KEYS[1..6] holds
-- ARGV[11]: how many tasks are aggregating
-- Returns: bytes; nil if redis does not tell the size of a key
-- Memory full: allowed
-- Repeat: safe
-- Writes: nothing
local most, is_told, bytes = tonumber(ARGV[3]), true, 0

local function size(key)
  local reply = redis.pcall("MEMORY", "USAGE", key)
  is_told = is_told and type(reply) ~= "table"
  return is_told and reply or 0
end

local function tasks_of(key, is_list)
  local ids = redis.pcall(is_list and "LRANGE" or "ZRANGE", key, 0, most - 1)
  local sum = 0
  for _, id in ipairs(ids) do
    sum = sum + size(ARGV[1] .. id)
  end
  return sum, #ids
end

local function average_of(sum, seen, count)
  return seen == 0 and 0 or math.floor(sum / seen * count)
end

for i = 1, 6 do
  local count = tonumber(ARGV[4 + i])
  if count > 0 and is_told then
    local sum, seen = tasks_of(KEYS[i], i <= 2)
    bytes = bytes + size(KEYS[i]) + average_of(sum, seen, count)
  end
end

local aggregating = tonumber(ARGV[11])
if aggregating > 0 and is_told then
  local found, sum, seen = redis.pcall("SSCAN", KEYS[7], 0, "COUNT", ARGV[4]), 0, 0
  for i, name in ipairs(found[2] or {}) do
    if i <= tonumber(ARGV[4]) then
      local some, count = tasks_of(ARGV[2] .. name, false)
      sum, seen = sum + some, seen + count
    end
  end
  bytes = bytes + average_of(sum, seen, aggregating)
end

return is_told and bytes
