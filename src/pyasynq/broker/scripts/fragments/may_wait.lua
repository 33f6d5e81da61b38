-- Lets a server be one of the few that wait for a push to a queue; returns whether it may.
local function may_wait(waiters, server, now, until_s, most)
  redis.pcall("ZREMRANGEBYSCORE", waiters, "-inf", "(" .. now)
  local size = redis.pcall("ZCARD", waiters)
  local has_room = type(size) == "number" and size < tonumber(most)
  if not has_room and type(redis.pcall("ZSCORE", waiters, server)) ~= "string" then
    return false
  end
  local added = redis.pcall("ZADD", waiters, until_s, server)
  redis.pcall("EXPIREAT", waiters, until_s)
  return type(added) == "number"
end
