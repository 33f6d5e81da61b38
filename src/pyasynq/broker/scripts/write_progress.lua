-- Purpose: store how far a running task is.
-- Uses: remove, fence
-- KEYS[1]: task hash
-- ARGV[1]: id
-- ARGV[2]: fence, without a lease cutoff
-- ARGV[3]: progress
-- Returns: 1 when stored, 0 when the task no longer is the caller's
-- Memory full: refused
-- Repeat: safe
if redis.call("EXISTS", KEYS[1]) == 0 or not is_callers(KEYS[1], ARGV[1], ARGV[2]) then
  return 0
end
redis.call("HSET", KEYS[1], "progress", ARGV[3])
return 1
