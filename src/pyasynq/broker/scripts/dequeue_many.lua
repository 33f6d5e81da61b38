-- Purpose: lease the oldest pending tasks of one queue to one owner.
-- Uses: pop, unlock, may_wait, read_task
-- KEYS[1]: pending list
-- KEYS[2]: paused mark
-- KEYS[3]: active list
-- KEYS[4]: lease set
-- KEYS[5]: servers that wait for a push; does not exist when none does
-- ARGV[1]: task key prefix
-- ARGV[2]: how many tasks at most
-- ARGV[3]: owner
-- ARGV[4]: lease expiry in seconds
-- ARGV[5]: server that wants to wait for a push if there is no task, or ""
-- ARGV[6]: now in seconds
-- ARGV[7]: when its right to wait expires, in seconds
-- ARGV[8]: how many servers may wait
-- Returns: {1} when the queue is paused, else {0, or 2 when there is no task and the server may
--          wait, {dropped ids}, per task: id, msg, pending_since, false or {deferred, expires_at,
--          unique_until}}
-- Memory full: allowed
-- Repeat: never
if redis.call("EXISTS", KEYS[2]) == 1 then
  return {1}
end
redis.call("LLEN", KEYS[3])
redis.call("ZCARD", KEYS[4])
local prefix, wanted, owner, expiry = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
local taken, ids, scores, dropped = 0, {}, {}, {}
local answer = {0, dropped}

local function drop(key, id, other)
  if not other.err then
    unlock(other.lock, id)
    redis.call("UNLINK", key)
  end
  dropped[#dropped + 1] = id
end

while taken < wanted and #dropped < 100 do
  local popped = pop(KEYS[1], wanted - taken)
  if not popped or #popped == 0 then
    break
  end
  for _, id in ipairs(popped) do
    local key = prefix .. id
    local msg, pending_since, other = read_task(key)
    if not msg or msg == "" then
      drop(key, id, other)
    else
      redis.call("HSET", key, "state", "active", "owner", owner)
      redis.call("HDEL", key, "pending_since", "on_cancel")
      if other and other[3] == "started" then
        unlock(other.lock, id)
      end
      taken = taken + 1
      ids[taken] = id
      scores[2 * taken - 1], scores[2 * taken] = expiry, id
      local last = 4 * taken + 2
      answer[last - 3], answer[last - 2] = id, msg
      answer[last - 1], answer[last] = pending_since, other
    end
  end
end
if taken > 0 then
  redis.call("LPUSH", KEYS[3], unpack(ids))
  redis.call("ZADD", KEYS[4], unpack(scores))
elseif ARGV[5] ~= "" and may_wait(KEYS[5], ARGV[5], ARGV[6], ARGV[7], ARGV[8]) then
  answer[1] = 2
end
return answer
