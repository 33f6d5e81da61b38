-- Purpose: store new tasks of one queue as pending.
-- Uses: claim
-- KEYS[1]: pending list
-- ARGV[1]: task key prefix
-- ARGV[2]: now in nanoseconds
-- ARGV[3]: arguments per task: 6, or 2 when no task has more than those
-- ARGV[4..]: per task: id, msg, unique key or "", its seconds, expires_at or "", unique_until or ""
-- Returns: {} when all were stored, else per refused task {index from 0, code, ...} as claim returns it
-- Memory full: refused
-- Repeat: by_token
if #ARGV == 5 then -- one task, the most frequent call
  local why = claim(ARGV[1] .. ARGV[4], ARGV[4], "")
  if why then
    return {{0, why[1], why[2], why[3]}}
  end
  redis.call("LPUSH", KEYS[1], ARGV[4]) -- first, for a key of another type fails here
  redis.call("HSET", ARGV[1] .. ARGV[4], "msg", ARGV[5], "state", "pending", "pending_since", ARGV[2])
  return {}
end
redis.call("LLEN", KEYS[1]) -- fails for a key of another type, before anything is written
local step, refused, ids = tonumber(ARGV[3]), {}, {}
for i = 4, #ARGV, step do
  local id = ARGV[i]
  local key = ARGV[1] .. id
  local lock = step == 6 and ARGV[i + 2] or ""
  local why = claim(key, id, lock, ARGV[i + 3])
  if why then
    refused[#refused + 1] = {(i - 4) / step, why[1], why[2], why[3]}
  else
    redis.call("HSET", key, "msg", ARGV[i + 1], "state", "pending", "pending_since", ARGV[2])
    if step == 6 then
      describe(key, lock, ARGV[i + 4], ARGV[i + 5])
    end
    ids[#ids + 1] = id
  end
end
if #ids > 0 then
  redis.call("LPUSH", KEYS[1], unpack(ids))
end
return refused
