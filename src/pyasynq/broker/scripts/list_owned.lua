-- Purpose: find the active tasks that one dequeue has leased and that nobody has taken over.
-- KEYS[1]: active list
-- KEYS[2]: lease set
-- ARGV[1]: task key prefix
-- ARGV[2]: owner
-- ARGV[3]: how many of the newest active tasks to look at
-- ARGV[4]: when the dequeue let its leases expire, in seconds
-- Returns: per task: id, msg, false, {deferred, expires_at, unique_until}
-- Memory full: allowed
-- Repeat: safe
-- Writes: nothing
local answer = {}
for _, id in ipairs(redis.call("LRANGE", KEYS[1], 0, tonumber(ARGV[3]) - 1)) do
  local key = ARGV[1] .. id
  local is_owned = redis.pcall("HGET", key, "owner") == ARGV[2]
  if is_owned and tonumber(redis.call("ZSCORE", KEYS[2], id) or 0) == tonumber(ARGV[4]) then
    local task = redis.call("HMGET", key, "msg", "deferred", "expires_at", "unique_until")
    for _, value in ipairs({id, task[1], false, {task[2], task[3], task[4]}}) do
      answer[#answer + 1] = value
    end
  end
end
return answer
