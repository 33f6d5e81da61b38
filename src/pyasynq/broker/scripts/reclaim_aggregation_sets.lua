-- Purpose: give the members of overdue aggregation sets back to their groups.
-- KEYS[1]: index of the aggregation sets
-- KEYS[2]: set of group names
-- ARGV[1]: group key prefix
-- ARGV[2]: now in seconds
-- ARGV[3]: how many members at most
-- ARGV[4]: when a set whose group has a key of another type is looked at again, in seconds
-- Returns: {members given back, 1 when there may be more else 0, sets put off}
-- Memory full: allowed
-- Repeat: safe
redis.call("ZREM", KEYS[1], "")
redis.call("SCARD", KEYS[2])
local limit, moved, put_off = tonumber(ARGV[3]), 0, 0

-- Returns the members of a set with their scores, or nothing when it is not a sorted set.
local function members(set)
  local found = redis.pcall("ZRANGE", set, 0, limit - moved - 1, "WITHSCORES")
  return found.err and {} or found
end

local function give_back(set, name, found)
  local arguments = {}
  for i = 1, #found, 2 do
    arguments[i], arguments[i + 1] = found[i + 1], found[i]
  end
  redis.call("ZADD", ARGV[1] .. name, unpack(arguments))
  redis.call("SADD", KEYS[2], name)
  redis.call("ZREMRANGEBYRANK", set, 0, #found / 2 - 1)
  moved = moved + #found / 2
end

local overdue = redis.call("ZRANGEBYSCORE", KEYS[1], "-inf", ARGV[2], "LIMIT", 0, limit)
for _, set in ipairs(overdue) do
  if moved >= limit then
    return {moved, 1, put_off}
  end
  local is_ours = string.sub(set, 1, #ARGV[1]) == ARGV[1]
  local name = is_ours and string.match(string.sub(set, #ARGV[1] + 1), "^(.*):[^:]*$")
  local found = name and members(set) or {}
  if #found > 0 and type(redis.pcall("ZCARD", ARGV[1] .. name)) ~= "number" then
    redis.call("ZADD", KEYS[1], ARGV[4], set)
    put_off = put_off + 1
  else
    if #found > 0 then
      give_back(set, name, found)
    end
    if #found == 0 or redis.call("ZCARD", set) == 0 then
      redis.call("ZREM", KEYS[1], set)
    end
  end
end
return {moved, (moved >= limit or #overdue >= limit) and 1 or 0, put_off}
