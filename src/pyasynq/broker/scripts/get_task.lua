-- Purpose: read one task.
-- KEYS[1]: task hash
-- ARGV[1]: queue key prefix
-- ARGV[2]: id
-- Returns: {} when there is none, else {msg, state, result, score or nil, exact due time,
--          pending_since}; the score of an active task is the end of its lease
-- Memory full: allowed
-- Repeat: safe
-- Writes: nothing
local task = redis.call("HMGET", KEYS[1], "msg", "state", "result", "process_at_ns", "pending_since")
if not task[1] and not task[2] and redis.call("EXISTS", KEYS[1]) == 0 then
  return {}
end
local score, set = false, task[2] == "active" and "lease" or task[2]
if set == "scheduled" or set == "retry" or set == "lease" then
  score = redis.pcall("ZSCORE", ARGV[1] .. set, ARGV[2])
  if type(score) == "table" then
    score = false
  end
end
return {task[1], task[2], task[3], score, task[4], task[5]}
