-- Purpose: pause a queue, for good or until a time at which Redis itself ends the pause.
-- KEYS[1]: paused mark
-- KEYS[2]: who paused it and why
-- ARGV[1]: now in seconds
-- ARGV[2]: who and why, or ""
-- ARGV[3]: the end in milliseconds, or ""
-- Returns: 1 when it is paused now, 0 when it was already, 2 when it was already in the same way
-- Memory full: allowed
-- Repeat: by_token
if redis.call("EXISTS", KEYS[1]) == 1 then
  local is_same = redis.pcall("GET", KEYS[1]) == ARGV[1] and (redis.pcall("GET", KEYS[2]) or "") == ARGV[2]
  return is_same and 2 or 0
end
redis.call("DEL", KEYS[2])
redis.call("SET", KEYS[1], ARGV[1])
if ARGV[2] ~= "" then
  redis.call("SET", KEYS[2], ARGV[2])
end
if ARGV[3] ~= "" then
  redis.call("PEXPIREAT", KEYS[1], ARGV[3])
  redis.call("PEXPIREAT", KEYS[2], ARGV[3])
end
return 1
