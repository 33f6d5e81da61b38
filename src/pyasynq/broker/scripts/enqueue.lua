-- Purpose: store new tasks of one queue as pending.
-- Uses: claim
-- KEYS[1]: pending list
-- ARGV[1]: task key prefix
-- ARGV[2]: now in nanoseconds
-- ARGV[3..]: per task: id, msg, unique key or "", its seconds, expires_at or "", unique_until or ""
-- Returns: {} when all were stored, else per refused task {index from 0, code, ...} as of claim
-- Memory full: refused
-- Repeat: by_token
redis.call("LLEN", KEYS[1])
local refused, ids = {}, {}
for i = 3, #ARGV, 6 do
  local id = ARGV[i]
  local key = ARGV[1] .. id
  local why = claim(key, id, ARGV[i + 2], ARGV[i + 3])
  if why then
    refused[#refused + 1] = {(i - 3) / 6, why[1], why[2], why[3]}
  else
    redis.call("HSET", key, "msg", ARGV[i + 1], "state", "pending", "pending_since", ARGV[2])
    describe(key, ARGV[i + 2], ARGV[i + 4], ARGV[i + 5])
    ids[#ids + 1] = id
  end
end
if #ids > 0 then
  redis.call("LPUSH", KEYS[1], unpack(ids))
end
return refused
