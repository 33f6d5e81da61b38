-- Purpose: read a page of the members of an aggregation set, the oldest first.
-- KEYS[1]: index of the aggregation sets
-- KEYS[2]: aggregation set
-- ARGV[1]: task key prefix
-- ARGV[2]: how many members to skip
-- ARGV[3]: how many members at most
-- ARGV[4]: how many bytes of messages at most, but at least one message
-- Returns: {} when the set is not listed, or has more members than check_aggregation gives one, else {deadline in seconds, 1 when there are more else 0,
--          per member: id, msg or false, expires_at or false}
-- Memory full: allowed
-- Repeat: safe
-- Writes: nothing
local deadline = redis.call("ZSCORE", KEYS[1], KEYS[2])
if not deadline or redis.call("ZCARD", KEYS[2]) > 500 then
  return {}
end
local skip, limit, room = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local answer = {deadline, 0}
for _, id in ipairs(redis.call("ZRANGE", KEYS[2], skip, skip + limit)) do
  if limit == 0 or room <= 0 then
    answer[2] = 1
    break
  end
  local task = redis.pcall("HMGET", ARGV[1] .. id, "msg", "expires_at")
  answer[#answer + 1] = id
  answer[#answer + 1] = task[1] or false
  answer[#answer + 1] = task[2] or false
  limit, room = limit - 1, room - (task[1] and #task[1] or 0)
end
return answer
