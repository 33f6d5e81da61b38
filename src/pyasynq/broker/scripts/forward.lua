-- Purpose: make tasks pending that are due, or add them to their group.
-- Uses: join, group_of
-- KEYS[1]: scheduled set
-- KEYS[2]: retry set
-- KEYS[3]: pending list
-- KEYS[4]: set of group names
-- ARGV[1]: task key prefix
-- ARGV[2]: group key prefix
-- ARGV[3]: now in seconds
-- ARGV[4]: now in nanoseconds
-- ARGV[5]: how many tasks at most of either set
-- Returns: {tasks moved, earliest next due time in nanoseconds or "", names of keys that are not sorted sets}
-- Memory full: allowed
-- Repeat: safe
local now_s, rest_ns = ARGV[3], tonumber(string.sub(ARGV[4], -9))
local limit, moved, pending, next_due = tonumber(ARGV[5]), 0, {}, ""

local function move(source, id, task)
  local key, group = ARGV[1] .. id, group_of(task, source == KEYS[2])
  redis.call("ZREM", source, id)
  moved = moved + 1
  if task.err or redis.call("EXISTS", key) == 0 then
    return
  end
  redis.call("HDEL", key, "process_at_ns", "group_when_due")
  if join(ARGV[2], KEYS[4], group, id, now_s) then
    redis.call("HSET", key, "state", "aggregating", "group", group)
  else
    redis.call("HSET", key, "state", "pending", "pending_since", ARGV[4])
    pending[#pending + 1] = id
  end
end

local function expect(due)
  local is_sooner = next_due == "" or #due < #next_due or (#due == #next_due and due < next_due)
  next_due = is_sooner and string.match(due, "^%d+$") or next_due -- a score may be infinite
end

local function forward(source)
  for _, id in ipairs(redis.call("ZRANGEBYSCORE", source, "-inf", "(" .. now_s, "LIMIT", 0, limit)) do
    move(source, id, redis.pcall("HMGET", ARGV[1] .. id, "group", "group_when_due"))
  end
  for _, id in ipairs(redis.call("ZRANGEBYSCORE", source, now_s, now_s, "LIMIT", 0, 5 * limit)) do
    local task = redis.pcall("HMGET", ARGV[1] .. id, "group", "group_when_due", "process_at_ns")
    local due = string.match(task[3] or "", "^%d+$")
    if due and string.sub(due, 1, -10) == now_s and tonumber(string.sub(due, -9)) > rest_ns then
      expect(due)
    else
      move(source, id, task)
    end
  end
  local later = redis.call("ZRANGEBYSCORE", source, "(" .. now_s, "+inf", "WITHSCORES", "LIMIT", 0, 1)
  expect(later[2] and string.format("%.0f", math.floor(tonumber(later[2]))) .. "000000000" or "")
end

redis.pcall("ZREM", KEYS[1], "")
redis.call("LLEN", KEYS[3])
local unreadable = {}
for i, name in ipairs({"scheduled", "retry"}) do
  if type(redis.pcall("ZCARD", KEYS[i])) == "number" then
    forward(KEYS[i])
  else
    unreadable[#unreadable + 1] = name
  end
end
if #pending > 0 then
  redis.call("LPUSH", KEYS[3], unpack(pending))
end
return {moved, next_due, unpack(unreadable)}
