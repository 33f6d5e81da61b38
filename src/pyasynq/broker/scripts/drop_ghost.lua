-- Purpose: remove an active id that has no task, with the lock that it holds.
-- Uses: unlock, forget
-- KEYS[1]: active list
-- KEYS[2]: lease set
-- ARGV[1]: task key
-- ARGV[2]: id
-- ARGV[3]: leases that expired up to then are over, in seconds
-- Returns: 1 when removed, 0 when there is a task or a lease after all, or nothing to remove
-- Memory full: allowed
-- Repeat: safe
local msg = redis.pcall("HGET", ARGV[1], "msg")
if type(msg) == "string" and msg ~= "" then
  return 0
end
local expiry = redis.call("ZSCORE", KEYS[2], ARGV[2])
if expiry and tonumber(expiry) > tonumber(ARGV[3]) then
  return 0
end
local removed = redis.call("LREM", KEYS[1], 0, ARGV[2]) + redis.call("ZREM", KEYS[2], ARGV[2])
if type(msg) ~= "table" then
  forget(ARGV[1], ARGV[2])
end
return removed > 0 and 1 or 0
