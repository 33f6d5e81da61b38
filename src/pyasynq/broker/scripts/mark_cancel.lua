-- Purpose: say what shall become of a running task when it is cancelled.
-- KEYS[1]: task hash
-- ARGV[1]: "archive" or "drop"; "retry" takes an earlier wish back
-- Returns: 1 when the task runs, else 0 and nothing is said
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
