-- Purpose: free a unique lock whose task is gone.
-- Uses: unlock
-- KEYS[1]: lock
-- ARGV[1]: task key of its holder
-- ARGV[2]: id of its holder
-- Returns: 1 when freed, 0 when another task holds it, or there is such a task after all
-- Memory full: allowed
-- Repeat: safe
if redis.pcall("GET", KEYS[1]) ~= ARGV[2] or redis.call("EXISTS", ARGV[1]) == 1 then
  return 0
end
unlock(KEYS[1], ARGV[2])
return 1
