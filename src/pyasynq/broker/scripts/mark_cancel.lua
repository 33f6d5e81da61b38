-- Purpose: note what becomes of a running task once it is cancelled.
-- KEYS[1]: task hash
-- ARGV[1]: "archive" or "drop"; "retry" withdraws an earlier request
-- Returns: 1 when the task is running, else 0, and nothing is noted
-- Memory full: allowed
-- Repeat: safe
redis.pcall("HDEL", KEYS[1], "on_cancel")
if redis.pcall("HGET", KEYS[1], "state") ~= "active" then
  return 0
end
if ARGV[1] ~= "retry" then
  redis.call("HSET", KEYS[1], "on_cancel", ARGV[1])
end
return 1
