-- Purpose: replace the message of a task, if it is still the one that was read, and move its lock.
-- KEYS[1]: task hash
-- ARGV[1]: id
-- ARGV[2]: SHA-1 of the message that was read
-- ARGV[3]: new message
-- ARGV[4]: state in which it was read
-- ARGV[5]: its unique lock, or ""
-- ARGV[6]: its new unique lock, or ""
-- Returns: {1, state} when replaced, {0, ""} when there is no such task, {-1, state} when its message or
--          state is another one, {-2, holder} when another task holds the new lock
-- Memory full: allowed
-- Repeat: safe
local task = redis.pcall("HMGET", KEYS[1], "msg", "state")
if task.err or redis.call("EXISTS", KEYS[1]) == 0 then
  return {0, ""}
end
local id, lock, new_lock = ARGV[1], ARGV[5], ARGV[6]
if task[1] == ARGV[3] then
  return {1, task[2] or ""}
end
if not task[1] or redis.sha1hex(task[1]) ~= ARGV[2] or task[2] ~= ARGV[4] then
  return {-1, task[2] or ""}
end
redis.call("HDEL", KEYS[1], "")
if lock ~= new_lock then
  local is_held = redis.pcall("GET", lock) == id
  local holder = redis.pcall("GET", new_lock)
  if is_held and holder and holder ~= id then
    return {-2, type(holder) == "string" and holder or ""}
  end
  if is_held then
    local left = redis.call("PTTL", lock)
    redis.call("DEL", lock)
    redis.call("SET", new_lock, id)
    if left > 0 then
      redis.call("PEXPIRE", new_lock, left)
    end
  end
  redis.call("HSET", KEYS[1], "unique_key", new_lock)
end
redis.call("HSET", KEYS[1], "msg", ARGV[3])
return {1, task[2]}
