-- Purpose: extend the leases of running tasks.
-- KEYS[1]: lease set
-- ARGV[1]: task key prefix
-- ARGV[2]: new expiry in seconds; a later one stays
-- ARGV[3..]: per task: id, owner
-- Returns: the ids that no longer have a lease, or belong to another owner
-- Memory full: allowed
-- Repeat: safe
local lost = {}
redis.call("ZREM", KEYS[1], "")
for i = 3, #ARGV, 2 do
  local id = ARGV[i]
  local expiry = redis.call("ZSCORE", KEYS[1], id)
  if not expiry or (redis.pcall("HGET", ARGV[1] .. id, "owner") or "") ~= ARGV[i + 1] then
    lost[#lost + 1] = id
  elseif tonumber(expiry) < tonumber(ARGV[2]) then
    redis.call("ZADD", KEYS[1], ARGV[2], id)
  end
end
return lost
