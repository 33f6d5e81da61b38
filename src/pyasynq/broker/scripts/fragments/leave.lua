-- Takes a task that is not active out of where its state says it is; returns whether it was there. A key
-- of another type holds no task; any other error, such as a right that is missing, is the caller's.
local in_sets = {scheduled = true, retry = true, archived = true, completed = true}
local function leave(prefix, id, state, group)
  local removed = 0
  if state == "pending" then
    removed = redis.pcall("LREM", prefix .. state, 0, id)
  elseif state == "aggregating" then
    removed = redis.pcall("ZREM", prefix .. "g:" .. group, id)
    if removed == 1 and redis.call("ZCARD", prefix .. "g:" .. group) == 0 then
      redis.pcall("SREM", prefix .. "groups", group)
    end
  elseif in_sets[state] then
    removed = redis.pcall("ZREM", prefix .. state, id)
  end
  if type(removed) == "table" and not string.find(removed.err, "WRONGTYPE", 1, true) then
    error(removed.err, 0)
  end
  return type(removed) == "number" and removed > 0
end
