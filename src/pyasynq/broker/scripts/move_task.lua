-- Purpose: make a task pending now, or archive it.
-- Uses: leave, place
-- KEYS[1]: task hash
-- KEYS[2]: pending list, or archived set
-- ARGV[1]: queue key prefix
-- ARGV[2]: id
-- ARGV[3]: "pending" or "archived"
-- ARGV[4]: now in seconds
-- ARGV[5]: now in nanoseconds
-- ARGV[6]: the state in which it must be, or ""
-- Returns: {1, state before} when moved, {0, ""} when there is no such task, {-1, state} when it is
--          active, pending for "pending", archived for "archived", or not in the state in which it must
--          be, {-2, state} when it is not where its state says, as while its group is aggregated
-- Memory full: allowed
-- Repeat: by_token
local task = redis.pcall("HMGET", KEYS[1], "state", "group")
if task.err or redis.call("EXISTS", KEYS[1]) == 0 then
  return {0, ""}
end
local target, state = ARGV[3], task[1] or ""
if state == "active" or state == target or (ARGV[6] ~= "" and state ~= ARGV[6]) then
  return {-1, state}
end
check_target(KEYS[2], target)
if not leave(ARGV[1], ARGV[2], state, task[2] or "") then
  return {-2, state}
end
place(KEYS[2], target, KEYS[1], ARGV[2], ARGV[4], ARGV[5])
return {1, state}
