-- Purpose: keep the last attempts of tasks of one queue, and forget the histories that end first.
-- KEYS[1]: index of the histories, by when they end
-- KEYS[2..]: per attempt: history of its task
-- ARGV[1]: now in seconds
-- ARGV[2]: how many attempts a history keeps
-- ARGV[3]: how many histories the queue keeps
-- ARGV[4]: prefix of the histories
-- ARGV[5..]: per attempt: id of its task, when its history ends in seconds, start in microseconds,
--            1 when its start may be stored already or else 0, record
-- Returns: how many histories were forgotten
-- Memory full: refused
-- Repeat: safe
local index, kept, most, prefix = KEYS[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local indexed = {}
for at = 5, #ARGV, 5 do
  local key, id, ends, start, record = KEYS[(at + 5) / 5], ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 4]
  local older = ARGV[at + 3] == "1" and redis.pcall("ZRANGEBYSCORE", key, start, start) or {}
  for _, each in ipairs(older) do
    redis.call("ZREM", key, each)
  end
  local added = redis.pcall("ZADD", key, start, record)
  if type(added) == "table" and not string.find(added.err, "WRONGTYPE", 1, true) then
    return added -- such as that the memory is full
  end
  if type(added) == "number" then -- else the key is not a history
    local excess = redis.call("ZCARD", key) - kept
    if excess > 0 then
      redis.call("ZREMRANGEBYRANK", key, 0, excess - 1)
    end
    redis.call("EXPIREAT", key, ends)
    indexed[#indexed + 1], indexed[#indexed + 2] = ends, id
  end
end
if #indexed > 0 then
  redis.call("ZADD", index, unpack(indexed))
end
local limit = math.floor(#ARGV / 5) + 99
local over = redis.call("ZRANGEBYSCORE", index, "-inf", ARGV[1], "LIMIT", 0, limit)
local excess = math.min(limit, redis.call("ZCARD", index) - most)
if excess > #over then
  over = redis.call("ZRANGE", index, 0, excess - 1)
end
if #over > 0 then
  redis.call("ZREM", index, unpack(over))
  for i, id in ipairs(over) do
    over[i] = prefix .. id
  end
  redis.call("UNLINK", unpack(over))
end
local last = redis.call("ZRANGE", index, -1, -1, "WITHSCORES")
if last[2] then
  redis.call("EXPIREAT", index, last[2])
end
return #over
