-- Purpose: read how the node of a queue limits its memory.
-- KEYS[1]: any key of the queue, which names the node
-- ARGV: none
-- Returns: {maxmemory in bytes, maxmemory_policy}, or {} when INFO is not permitted
-- Memory full: allowed
-- Repeat: safe
-- Writes: nothing
local info = redis.pcall("INFO", "memory")
if type(info) ~= "string" then
  return {}
end
return {string.match(info, "maxmemory:(%d+)"), string.match(info, "maxmemory_policy:([%w-]+)")}
