-- Purpose: list groups again that have members, but whose names a Go program has removed.
-- KEYS[1]: groups whose names may get lost
-- KEYS[2]: set of group names
-- ARGV[1]: group key prefix
-- ARGV[2]: names noted with an earlier second need not be checked any longer
-- ARGV[3]: how many names to skip
-- ARGV[4]: how many names at most
-- Returns: {names listed again, how many names to skip next, or -1 at the end}
-- Memory full: allowed
-- Repeat: safe
redis.call("ZREM", KEYS[1], "")
-- A name is noted with the last time at which it can get lost; it can get lost earlier as well.
local skip, limit, restored, kept = tonumber(ARGV[3]), tonumber(ARGV[4]), 0, 0
local found = redis.call("ZRANGE", KEYS[1], skip, skip + limit - 1, "WITHSCORES")
for i = 1, #found, 2 do
  local size = redis.pcall("ZCARD", ARGV[1] .. found[i])
  if type(size) == "number" and size > 0 then
    restored = restored + redis.call("SADD", KEYS[2], found[i])
    kept = kept + 1
  elseif tonumber(found[i + 1]) < tonumber(ARGV[2]) then
    redis.call("ZREM", KEYS[1], found[i])
  else
    kept = kept + 1
  end
end
return {restored, #found == 2 * limit and skip + kept or -1}
