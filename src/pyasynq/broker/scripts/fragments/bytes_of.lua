-- Returns the bytes of a list or set of tasks, which are assumed to be as large as the average of some.
local function bytes_of(container, ids, size, prefix)
  local sum = 0
  for _, id in ipairs(ids) do
    sum = sum + (redis.call("MEMORY", "USAGE", prefix .. id) or 0)
  end
  return (container and redis.call("MEMORY", "USAGE", container) or 0) + (#ids > 0 and sum / #ids * size or 0)
end
