-- Purpose: store the result of a running task.
-- KEYS[1]: task hash
-- ARGV[1]: owner
-- ARGV[2]: result
-- Returns: 1 when stored, 0 when the task no longer is the owner's
-- Memory full: refused
-- Repeat: safe
if redis.call("EXISTS", KEYS[1]) == 0 then
  return 0
end
if (redis.call("HGET", KEYS[1], "owner") or "") ~= ARGV[1] then
  return 0
end
redis.call("HSET", KEYS[1], "result", ARGV[2])
return 1
