-- Purpose: stop being the leader.
-- KEYS[1]: lock of the leader
-- ARGV[1]: who resigns
-- Returns: 1 if it led, else 0
-- Memory full: allowed
-- Repeat: safe
if redis.call("GET", KEYS[1]) == ARGV[1] then
  return redis.call("DEL", KEYS[1])
end
return 0
