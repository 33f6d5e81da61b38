-- Purpose: note that a periodic task was enqueued, and keep only the latest of such notes.
-- KEYS[1]: history of the entry
-- ARGV[1]: when it was enqueued, in seconds
-- ARGV[2]: record
-- ARGV[3]: how many are kept
-- ARGV[4]: how long the history lives, in seconds, or 0
-- Returns: 1
-- Memory full: refused
-- Repeat: safe
redis.call("ZADD", KEYS[1], ARGV[1], ARGV[2])
local count = redis.call("ZCARD", KEYS[1])
if count > tonumber(ARGV[3]) then
  redis.call("ZREMRANGEBYRANK", KEYS[1], 0, count - tonumber(ARGV[3]) - 1)
end
if ARGV[4] ~= "0" then
  redis.call("EXPIRE", KEYS[1], ARGV[4])
end
return 1
