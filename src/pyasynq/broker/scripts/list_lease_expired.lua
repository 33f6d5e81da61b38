-- Purpose: list tasks whose lease is over.
-- KEYS[1]: lease set
-- ARGV[1]: task key prefix
-- ARGV[2]: leases that expired up to then, in seconds
-- ARGV[3]: how many to skip
-- ARGV[4]: how many to list at most
-- ARGV[5]: message bytes to list at most
-- Returns: {"1" when there are more, per task: id, msg, deferred, unique_until}
-- Memory full: allowed
-- Repeat: safe
-- Writes: nothing
local ids = redis.call("ZRANGEBYSCORE", KEYS[1], "-inf", ARGV[2], "LIMIT", ARGV[3], ARGV[4])
local answer, size = {#ids == tonumber(ARGV[4]) and "1" or "0"}, 0
for _, id in ipairs(ids) do
  local task = redis.pcall("HMGET", ARGV[1] .. id, "msg", "deferred", "unique_until")
  for _, value in ipairs({id, task[1] or false, task[2] or false, task[3] or false}) do
    answer[#answer + 1] = value
  end
  size = size + #(task[1] or "")
  if size > tonumber(ARGV[5]) then
    answer[1] = "1"
    break
  end
end
return answer
