-- Purpose: delete a task that is not active, with its unique lock.
-- Uses: unlock, forget, leave
-- KEYS[1]: task hash
-- ARGV[1]: queue key prefix
-- ARGV[2]: id
-- ARGV[3]: the state in which it must be, or ""
-- Returns: {1, state} when deleted, {0, ""} when there is no such task, {-1, state} when it is active
--          or not in the state in which it must be, {-2, state} when it is not where its state says, as
--          while its group is aggregated
-- Memory full: allowed
-- Repeat: by_token
local task = redis.pcall("HMGET", KEYS[1], "state", "group")
if task.err or redis.call("EXISTS", KEYS[1]) == 0 then
  return {0, ""}
end
local state = task[1] or ""
if state == "active" or (ARGV[3] ~= "" and state ~= ARGV[3]) then
  return {-1, state}
end
if not leave(ARGV[1], ARGV[2], state, task[2] or "") then
  return {-2, state}
end
forget(KEYS[1], ARGV[2])
return {1, state}
