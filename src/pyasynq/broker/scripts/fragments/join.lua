-- Adds a task to its group; returns false when it has none, or the group is a key of another type.
local function join(prefix, names, group, id, now)
  if not group or group == "" or type(redis.pcall("ZADD", prefix .. group, now, id)) ~= "number" then
    return false
  end
  redis.pcall("SADD", names, group)
  return true
end
