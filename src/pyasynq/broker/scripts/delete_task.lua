-- Purpose: delete a task that is not active, with its unique lock.
-- Uses: unlock, forget
-- KEYS[1]: task hash
-- ARGV[1]: queue key prefix
-- ARGV[2]: id
-- Returns: {1, state} when deleted, {0, ""} when there is no such task, {-1, state} when it is active,
--          {-2, state} when it is not where its state says, as while its group is aggregated
-- Memory full: allowed
-- Repeat: by_token
local task = redis.pcall("HMGET", KEYS[1], "state", "group")
if task.err or redis.call("EXISTS", KEYS[1]) == 0 then
  return {0, ""}
end
local prefix, id, state, group = ARGV[1], ARGV[2], task[1] or "", task[2] or ""
local removed = 0
if state == "active" then
  return {-1, state}
elseif state == "pending" then
  removed = redis.pcall("LREM", prefix .. state, 0, id)
elseif state == "aggregating" then
  removed = redis.pcall("ZREM", prefix .. "g:" .. group, id)
  if removed == 1 and redis.call("ZCARD", prefix .. "g:" .. group) == 0 then
    redis.pcall("SREM", prefix .. "groups", group)
  end
elseif state ~= "" then
  removed = redis.pcall("ZREM", prefix .. state, id)
end
if type(removed) ~= "number" or removed == 0 then
  return {-2, state}
end
forget(KEYS[1], id)
return {1, state}
