-- Returns whether the task of an earlier tick keeps this one from being stored; "replace" deletes it
-- first, unless it is active.
local unfinished = {
  pending = true, active = true, scheduled = true, retry = true, aggregating = true
}
local function is_in_the_way(prefix, id, overlap)
  local key = prefix .. "t:" .. id
  local task = redis.pcall("HMGET", key, "state", "group")
  local state = not task.err and task[1]
  if not state or not unfinished[state] then
    return false
  end
  if overlap == "replace" and leave(prefix, id, state, task[2] or "") then
    forget(key, id)
  end
  return overlap == "skip"
end
