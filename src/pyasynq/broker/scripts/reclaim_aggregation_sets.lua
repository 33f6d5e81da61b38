-- Purpose: give the members of overdue aggregation sets back to their groups.
-- KEYS[1]: index of the aggregation sets
-- KEYS[2]: set of group names
-- ARGV[1]: group key prefix
-- ARGV[2]: now in seconds
-- ARGV[3]: how many members at most
-- Returns: {members given back, 1 when there may be more else 0}
-- Memory full: allowed
-- Repeat: safe
redis.call("ZREM", KEYS[1], "")
local limit, moved = tonumber(ARGV[3]), 0
local overdue = redis.call("ZRANGEBYSCORE", KEYS[1], "-inf", ARGV[2], "LIMIT", 0, limit)
for _, set in ipairs(overdue) do
  if moved >= limit then
    return {moved, 1}
  end
  local is_ours = string.sub(set, 1, #ARGV[1]) == ARGV[1]
  local name = is_ours and string.match(string.sub(set, #ARGV[1] + 1), "^(.*):[^:]*$")
  local found = {}
  if name then
    found = redis.call("ZRANGE", set, 0, limit - moved - 1, "WITHSCORES")
  end
  if #found > 0 then
    local arguments = {}
    for i = 1, #found, 2 do
      arguments[i], arguments[i + 1] = found[i + 1], found[i]
    end
    redis.call("ZADD", ARGV[1] .. name, unpack(arguments))
    redis.call("SADD", KEYS[2], name)
    redis.call("ZREMRANGEBYRANK", set, 0, #found / 2 - 1)
    moved = moved + #found / 2
  end
  if not name or redis.call("ZCARD", set) == 0 then
    redis.call("ZREM", KEYS[1], set)
  end
end
return {moved, (moved >= limit or #overdue >= limit) and 1 or 0}
