-- Purpose: heal a lease that is over and whose id is not in the active list.
-- KEYS[1]: active list
-- KEYS[2]: lease set
-- ARGV[1]: task key
-- ARGV[2]: id
-- ARGV[3]: leases that expired up to then are over, in seconds
-- Returns: 0 when nothing is wrong, 1 when the lease was removed since the task is elsewhere,
--          2 when the id was put back into the active list since the task is nowhere else
-- Memory full: allowed
-- Repeat: safe
redis.call("ZREM", KEYS[2], "")

-- Before 6.0.6, Redis has no LPOS.
local function is_in_list(list, id)
  local at = redis.pcall("LPOS", list, id)
  if type(at) ~= "table" then
    return at
  end
  for _, each in ipairs(redis.call("LRANGE", list, 0, -1)) do
    if each == id then
      return true
    end
  end
  return false
end

local expiry = redis.call("ZSCORE", KEYS[2], ARGV[2])
if not expiry or tonumber(expiry) > tonumber(ARGV[3]) or is_in_list(KEYS[1], ARGV[2]) then
  return 0
end
local state = redis.pcall("HGET", ARGV[1], "state")
if state == "active" or not state then
  redis.call("LPUSH", KEYS[1], ARGV[2])
  return 2
end
redis.call("ZREM", KEYS[2], ARGV[2])
return 1
