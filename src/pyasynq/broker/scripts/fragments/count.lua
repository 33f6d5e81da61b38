-- Adds n to the counter of a day and to a total. A total that would pass 2^63-1 starts again.
-- asynq v0.26 rdb.go doneCmd: a new counter of a day expires, a total never does.
local function count(day, total, n, expire_at)
  if n == 0 then
    return
  end
  if redis.pcall("INCRBY", day, n) == n then
    redis.call("EXPIREAT", day, expire_at)
  end
  local reply = redis.pcall("INCRBY", total, n)
  if type(reply) == "table" and not string.find(reply.err, "WRONGTYPE", 1, true) then
    redis.call("SET", total, n)
  end
end
