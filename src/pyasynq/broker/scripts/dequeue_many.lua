-- Purpose: lease the oldest pending tasks of one queue to one owner.
-- Uses: unlock, may_wait
-- KEYS[1]: pending list
-- KEYS[2]: paused mark
-- KEYS[3]: active list
-- KEYS[4]: lease set
-- KEYS[5]: servers that wait for a push; gone when nobody does
-- ARGV[1]: task key prefix
-- ARGV[2]: how many tasks at most
-- ARGV[3]: owner
-- ARGV[4]: lease expiry in seconds
-- ARGV[5]: server that wants to wait for a push when there is no task, or ""
-- ARGV[6]: now in seconds
-- ARGV[7]: when its place among those that wait expires, in seconds
-- ARGV[8]: how many servers may wait
-- Returns: {1} when the queue is paused, else {0, or 2 when there is no task and the server may
--          wait, {dropped ids}, per task: id, msg, deferred, expires_at, unique_until, pending_since}
-- Memory full: allowed
-- Repeat: never
if redis.call("EXISTS", KEYS[2]) == 1 then
  return {1}
end
redis.call("LLEN", KEYS[3])
redis.call("ZCARD", KEYS[4])
local wanted, ids, scores, dropped = tonumber(ARGV[2]), {}, {}, {}
local answer = {0, dropped}
while #ids < wanted and #dropped < 100 do
  local popped = redis.call("RPOP", KEYS[1], wanted - #ids)
  if not popped then
    break
  end
  for _, id in ipairs(popped) do
    local key = ARGV[1] .. id
    local task = redis.pcall(
      "HMGET", key, "msg", "deferred", "expires_at", "unique_until", "pending_since", "unique_key"
    )
    if not task[1] or task[1] == "" then
      if not task.err then
        unlock(task[6], id)
        redis.call("DEL", key)
      end
      dropped[#dropped + 1] = id
    else
      redis.call("HSET", key, "state", "active", "owner", ARGV[3])
      redis.call("HDEL", key, "pending_since", "on_cancel")
      if task[4] == "started" then
        unlock(task[6], id)
      end
      ids[#ids + 1] = id
      scores[#scores + 1] = ARGV[4]
      scores[#scores + 1] = id
      for _, value in ipairs({id, task[1], task[2], task[3], task[4], task[5]}) do
        answer[#answer + 1] = value
      end
    end
  end
end
if #ids > 0 then
  redis.call("LPUSH", KEYS[3], unpack(ids))
  redis.call("ZADD", KEYS[4], unpack(scores))
elseif ARGV[5] ~= "" and may_wait(KEYS[5], ARGV[5], ARGV[6], ARGV[7], ARGV[8]) then
  answer[1] = 2
end
return answer
