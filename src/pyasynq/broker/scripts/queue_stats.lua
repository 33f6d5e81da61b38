-- Purpose: count the tasks of a queue.
-- KEYS[1..2]: pending list, active list
-- KEYS[3..6]: scheduled, retry, archived, completed set
-- KEYS[7..10]: processed counter of the day, failed counter of the day, processed, failed counter
-- KEYS[11]: paused mark
-- KEYS[12]: set of group names
-- KEYS[13]: index of the aggregation sets
-- ARGV[1]: task key prefix
-- ARGV[2]: group key prefix
-- Returns: {pending, active, scheduled, retry, archived, completed, processed today, failed today,
--          processed, failed, paused, pending_since of the oldest pending task, groups, aggregating,
--          bytes used, or -1 when Redis does not report it}
-- Memory full: allowed
-- Repeat: safe
-- Writes: nothing
local stats, bytes = {}, 0
for i = 1, 2 do
  stats[i] = redis.call("LLEN", KEYS[i])
end
for i = 3, 6 do
  stats[i] = redis.call("ZCARD", KEYS[i])
end
for i = 7, 10 do
  stats[i] = redis.call("GET", KEYS[i]) or "0"
end
stats[11] = redis.call("EXISTS", KEYS[11])
local oldest = redis.call("LRANGE", KEYS[1], -1, -1)[1]
stats[12] = oldest and redis.pcall("HGET", ARGV[1] .. oldest, "pending_since") or ""
local groups, aggregating = redis.call("SMEMBERS", KEYS[12]), 0
for _, group in ipairs(groups) do
  aggregating = aggregating + redis.call("ZCARD", ARGV[2] .. group)
end
stats[13], stats[14] = #groups, aggregating
for _, set in ipairs(redis.call("ZRANGE", KEYS[13], 0, -1)) do
  stats[14] = stats[14] + (tonumber(redis.pcall("ZCARD", set)) or 0)
end

-- The tasks of a container are assumed to be as large as the average of its first 20.
local function measure(container, ids, size)
  local sum = 0
  for _, id in ipairs(ids) do
    sum = sum + (redis.call("MEMORY", "USAGE", ARGV[1] .. id) or 0)
  end
  bytes = bytes + (container and redis.call("MEMORY", "USAGE", container) or 0)
  if #ids > 0 then
    bytes = bytes + sum / #ids * size
  end
end
local is_told = pcall(function()
  for i = 1, 6 do
    local command = i <= 2 and "LRANGE" or "ZRANGE"
    measure(KEYS[i], redis.call(command, KEYS[i], 0, 19), stats[i])
  end
  local sample = {}
  for i = 1, math.min(5, #groups) do
    for _, id in ipairs(redis.call("ZRANGE", ARGV[2] .. groups[i], 0, 19)) do
      sample[#sample + 1] = id
    end
  end
  measure(nil, sample, aggregating)
end)
stats[15] = is_told and math.floor(bytes) or -1
return stats
