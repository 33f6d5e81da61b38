-- Purpose: store new tasks of one queue in their groups.
-- Uses: claim
-- KEYS[1]: set of group names
-- ARGV[1]: task key prefix
-- ARGV[2]: group key prefix
-- ARGV[3]: now in seconds
-- ARGV[4..]: per task: id, msg, unique key or "", its seconds, expires_at or "", unique_until or "",
--            group
-- Returns: {} when all were stored, else per refused task {index from 0, code, ...} as claim returns it
-- Memory full: refused
-- Repeat: by_token
redis.call("SCARD", KEYS[1])
local refused = {}
for i = 4, #ARGV, 7 do
  local id, group = ARGV[i], ARGV[i + 6]
  local key = ARGV[1] .. id
  redis.call("ZCARD", ARGV[2] .. group)
  local why = claim(key, id, ARGV[i + 2], ARGV[i + 3])
  if why then
    refused[#refused + 1] = {(i - 4) / 7, why[1], why[2], why[3]}
  else
    redis.call("HSET", key, "msg", ARGV[i + 1], "state", "aggregating", "group", group)
    describe(key, ARGV[i + 2], ARGV[i + 4], ARGV[i + 5])
    redis.call("ZADD", ARGV[2] .. group, ARGV[3], id)
    redis.call("SADD", KEYS[1], group)
  end
end
return refused
