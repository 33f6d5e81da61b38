-- Notes which tick was done last, and with which task if it has one. An entry that is paused is known
-- for ever, any other one as long as it is likely to tick again.
local function note_tick(record, tick, ttl, paused, task)
  redis.call("HSET", record, "at", tick)
  if task then
    redis.call("HSET", record, "task", task)
  end
  if paused then
    redis.call("PERSIST", record)
  else
    redis.call("EXPIRE", record, ttl)
  end
end
