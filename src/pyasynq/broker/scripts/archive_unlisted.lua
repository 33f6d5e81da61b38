-- Purpose: archive a task that its queue does not list; delete it if it has no message.
-- Uses: place_of, unlock, forget
-- KEYS[1]: archived set
-- ARGV[1]: queue key prefix
-- ARGV[2]: id
-- ARGV[3]: now in seconds
-- ARGV[4]: how many ids of a list, or sets that are aggregated, are looked through
-- Returns: 1 when archived or deleted, 0 when there is no such task, it is listed after all, or that
--          cannot be found out
-- Memory full: allowed
-- Repeat: safe
local key = ARGV[1] .. "t:" .. ARGV[2]
local task = redis.pcall("HMGET", key, "msg", "state", "group")
local is_anywhere = task[2] == "aggregating" and (task[3] or "") == ""
if task.err or is_anywhere or redis.call("EXISTS", key) == 0 then
  return 0
end
redis.call("ZREM", KEYS[1], "") -- Redis allows it even if its memory is full

local states = {"pending", "active", "scheduled", "retry", "archived", "completed", "aggregating"}
for _, state in ipairs(states) do
  local size, rank, _, _, _, deadline = unpack(place_of(ARGV[1], ARGV[2], state, task[3] or "", ARGV[4]))
  local is_too_long = (state == "pending" or state == "active") and size > tonumber(ARGV[4])
  if rank or deadline or is_too_long then
    return 0
  end
end
if not task[1] or task[1] == "" then
  forget(key, ARGV[2])
  return 1
end
redis.call("HSET", key, "state", "archived")
redis.call("HDEL", key, "owner", "on_cancel", "pending_since")
redis.call("ZADD", KEYS[1], ARGV[3], ARGV[2])
return 1
