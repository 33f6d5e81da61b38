-- Purpose: read which tick of a periodic task was done last; note that it is known, if it is new.
-- KEYS[1]: record of the last tick
-- ARGV[1]: now in seconds
-- ARGV[2]: how long the record lives, in seconds
-- ARGV[3]: how far ahead of now a last tick counts, in seconds; further ahead a clock was wrong
-- Returns: {last tick or when the record was made, id of its task or false, why it is paused or false}
-- Memory full: refused
-- Repeat: safe
local record = redis.call("HMGET", KEYS[1], "at", "task", "paused")
local last = tonumber(record[1] or "")
if last and last <= ARGV[1] + ARGV[3] then
  return record
end
redis.call("HSET", KEYS[1], "at", ARGV[1])
if not record[3] then -- an entry that is paused is known for ever
  redis.call("EXPIRE", KEYS[1], ARGV[2])
end
return {ARGV[1], record[2], record[3]}
