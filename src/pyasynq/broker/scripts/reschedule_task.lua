-- Purpose: change when a task that waits is due; a pending or archived task becomes scheduled.
-- Uses: leave
-- KEYS[1]: task hash
-- KEYS[2]: scheduled set
-- KEYS[3]: retry set
-- ARGV[1]: queue key prefix
-- ARGV[2]: id
-- ARGV[3]: due in nanoseconds
-- ARGV[4]: due in seconds
-- ARGV[5]: channel that forwarders listen on
-- ARGV[6]: queue
-- ARGV[7]: now in seconds
-- ARGV[8]: the state in which it must be, or ""
-- Returns: {1, state before}, {0, ""} when there is no such task, {-1, state} in another state,
--          {-2, state} when it is not where its state says
-- Memory full: allowed
-- Repeat: safe
local task = redis.pcall("HMGET", KEYS[1], "state", "group", "unique_key", "process_at_ns")
if task.err or redis.call("EXISTS", KEYS[1]) == 0 then
  return {0, ""}
end
local state, id, due, lock = task[1] or "", ARGV[2], ARGV[4], task[3]
local target = state == "retry" and KEYS[3] or KEYS[2]
if state ~= "scheduled" and state ~= "retry" and state ~= "pending" and state ~= "archived" then
  return {-1, state}
end
-- One that is scheduled for this very time has been rescheduled by an earlier call.
local is_done = state == "scheduled" and task[4] == ARGV[3]
if ARGV[8] ~= "" and state ~= ARGV[8] and not is_done then
  return {-1, state}
end
local before = tonumber(redis.call("ZSCORE", target, id) or ARGV[7])
if before < 0 then -- no time at all, such as -inf
  before = tonumber(ARGV[7])
end
if not leave(ARGV[1], id, state, task[2] or "") then
  return {-2, state}
end
redis.call("ZADD", target, due, id)
redis.call("HDEL", KEYS[1], "pending_since")
redis.call("HSET", KEYS[1], "state", state == "retry" and state or "scheduled", "process_at_ns", ARGV[3])
-- A lock lasts from when its task is due, as at the enqueue.
if lock and lock ~= "" and redis.pcall("GET", lock) == id and tonumber(due) > before then
  local left = redis.call("PTTL", lock)
  if left > 0 then
    redis.call("PEXPIRE", lock, string.format("%.0f", left + (tonumber(due) - before) * 1000))
  end
end
if target == KEYS[2] and redis.call("ZRANGE", KEYS[2], 0, 0)[1] == id then
  redis.pcall("PUBLISH", ARGV[5], ARGV[3] .. " " .. ARGV[6])
end
return {1, state}
