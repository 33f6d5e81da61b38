-- Purpose: count the tasks of a queue.
-- KEYS[1..2]: pending list, active list
-- KEYS[3..6]: scheduled, retry, archived, completed set
-- KEYS[7..10]: processed counter of the day, failed counter of the day, processed, failed counter
-- KEYS[11]: paused mark
-- KEYS[12]: set of group names
-- KEYS[13]: index of the aggregation sets
-- KEYS[14]: who paused it and why
-- ARGV[1]: task key prefix
-- ARGV[2]: group key prefix
-- ARGV[3]: how many groups and aggregation sets at most are looked at; then their sizes are estimated
-- Returns: {pending, active, scheduled, retry, archived, completed, processed today, failed today,
--          processed, failed, paused, pending_since of the oldest pending task, groups, aggregating,
--          1 when aggregating is estimated, names of keys of another type, paused mark, who paused it
--          and why}
-- Memory full: allowed
-- Repeat: safe
-- Writes: nothing
local most, stats, unreadable = tonumber(ARGV[3]), {}, {}

local function ask(command, key)
  local reply = redis.pcall(command, key)
  if type(reply) == "table" and reply.err then
    unreadable[#unreadable + 1] = key
    return 0
  end
  return reply or 0
end

local function total(prefix, members, count)
  local seen, sum = math.min(#members, most), 0
  for i = 1, seen do
    sum = sum + (tonumber(redis.pcall("ZCARD", prefix .. members[i])) or 0)
  end
  return seen < count and math.floor(sum / math.max(seen, 1) * count) or sum
end

for i = 1, 10 do
  stats[i] = ask(i <= 2 and "LLEN" or i <= 6 and "ZCARD" or "GET", KEYS[i])
end
stats[11] = redis.call("EXISTS", KEYS[11])
local oldest = redis.pcall("LRANGE", KEYS[1], -1, -1)[1]
stats[12] = oldest and redis.pcall("HGET", ARGV[1] .. oldest, "pending_since") or ""
local groups, sets = ask("SCARD", KEYS[12]), ask("ZCARD", KEYS[13])
local some = groups > most and redis.call("SSCAN", KEYS[12], 0, "COUNT", most)[2] or redis.pcall("SMEMBERS", KEYS[12])
local aggregating = total(ARGV[2], some, groups)
stats[13] = groups
stats[14] = aggregating + total("", redis.pcall("ZRANGE", KEYS[13], 0, most - 1), sets)

stats[15] = math.max(groups, sets) > most and 1 or 0
stats[16] = unreadable
for i, key in ipairs({KEYS[11], KEYS[14]}) do
  stats[16 + i] = tostring(redis.pcall("GET", key) or "")
end
return stats
