-- Purpose: read which tick of a periodic task was done last; note that it is known, if it is new.
-- KEYS[1]: record of the last tick
-- ARGV[1]: now in seconds
-- ARGV[2]: how long the record lives, in seconds
-- Returns: {last tick or when the record was made, id of its task or false, why it is paused or false}
-- Memory full: refused
-- Repeat: safe
if redis.call("HSETNX", KEYS[1], "at", ARGV[1]) == 1 then
  redis.call("EXPIRE", KEYS[1], ARGV[2])
end
return redis.call("HMGET", KEYS[1], "at", "task", "paused")
