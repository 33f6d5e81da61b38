-- Takes the first ids out of a list (the oldest, from its tail) or a sorted set (the lowest scores).
-- Returns them, and how many are left.
local function take_first(container, kind, limit)
  local ids = {}
  if kind == "list" then
    local found = redis.call("LRANGE", container, -limit, -1)
    for i = #found, 1, -1 do
      ids[#ids + 1] = found[i]
    end
    redis.call("LTRIM", container, 0, -limit - 1)
    return ids, redis.call("LLEN", container)
  end
  ids = redis.call("ZRANGE", container, 0, limit - 1)
  if #ids > 0 then
    redis.call("ZREM", container, unpack(ids))
  end
  return ids, redis.call("ZCARD", container)
end

-- Returns whether a task belongs where its id was found: one that runs or waits elsewhere does not.
local function belongs(key, expected)
  local state = redis.pcall("HGET", key, "state")
  if type(state) == "string" and state ~= expected then
    return state ~= "active" and state ~= "pending"
  end
  return redis.call("EXISTS", key) == 1
end
