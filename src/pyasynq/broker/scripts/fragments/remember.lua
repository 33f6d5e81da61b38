-- Notes a group whose name a Go program may remove, with the last time at which that can happen.
local function remember(names, group, at)
  local noted = redis.pcall("ZSCORE", names, group)
  if not noted or (type(noted) == "string" and tonumber(noted) < tonumber(at)) then
    redis.pcall("ZADD", names, at, group)
  end
end
