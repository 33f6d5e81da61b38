-- Purpose: store new tasks of one queue that are due later.
-- Uses: claim, remember, join_later
-- KEYS[1]: scheduled set
-- KEYS[2]: groups whose names may get lost
-- KEYS[3]: Python servers that aggregate; does not exist when there is none
-- ARGV[1]: task key prefix
-- ARGV[2]: channel that forwarders listen on
-- ARGV[3]: queue
-- ARGV[4..]: per task: id, msg, unique key or "", its seconds, expires_at or "", unique_until or "",
--            due in nanoseconds, due in seconds, group or ""
-- Returns: {} when all were stored, else per refused task {index from 0, code, ...} as claim returns it
-- Memory full: refused
-- Repeat: by_token
redis.call("ZCARD", KEYS[1])
local refused = {}
for i = 4, #ARGV, 9 do
  local id = ARGV[i]
  local key = ARGV[1] .. id
  local why = claim(key, id, ARGV[i + 2], ARGV[i + 3])
  if why then
    refused[#refused + 1] = {(i - 4) / 9, why[1], why[2], why[3]}
  else
    redis.call("HSET", key, "msg", ARGV[i + 1], "state", "scheduled", "process_at_ns", ARGV[i + 6])
    describe(key, ARGV[i + 2], ARGV[i + 4], ARGV[i + 5])
    if ARGV[i + 8] ~= "" then
      join_later(KEYS[3], KEYS[2], key, ARGV[i + 8], ARGV[i + 7])
    end
    redis.call("ZADD", KEYS[1], ARGV[i + 7], id)
    if redis.call("ZRANK", KEYS[1], id) == 0 then
      redis.pcall("PUBLISH", ARGV[2], ARGV[i + 6] .. " " .. ARGV[3])
    end
  end
end
return refused
