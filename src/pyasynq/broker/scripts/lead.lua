-- Purpose: become the leader, or stay it, if nobody else is.
-- KEYS[1]: lock of the leader
-- ARGV[1]: who asks
-- ARGV[2]: how long it leads, in milliseconds
-- Returns: who leads now
-- Memory full: refused
-- Repeat: safe
local leader = redis.call("GET", KEYS[1])
if leader and leader ~= ARGV[1] then
  return leader
end
redis.call("SET", KEYS[1], ARGV[1], "PX", ARGV[2])
return ARGV[1]
