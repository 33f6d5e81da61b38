-- Lets a server be one of the few that wait for a push to a queue; returns whether it may. Of the
-- entries that are over, it drops a bounded number.
local function may_wait(waiters, server, now, until_s, most)
  local over = redis.pcall("ZCOUNT", waiters, "-inf", "(" .. now)
  if type(over) ~= "number" then
    return false -- a key of another type
  elseif over > 0 then
    redis.call("ZREMRANGEBYRANK", waiters, 0, math.min(over, 500) - 1)
  end
  if redis.call("ZCARD", waiters) >= tonumber(most) and not redis.call("ZSCORE", waiters, server) then
    return false
  end
  local added = redis.pcall("ZADD", waiters, until_s, server)
  redis.pcall("EXPIREAT", waiters, until_s)
  return type(added) == "number"
end
