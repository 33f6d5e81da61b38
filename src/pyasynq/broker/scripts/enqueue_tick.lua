-- Purpose: store the task of one tick of a periodic task, unless that tick or a later one was done.
-- Uses: unlock, claim, remember, join_later, leave, forget, is_in_the_way, note_tick
-- KEYS[1]: record of the last tick
-- KEYS[2]: pending list
-- KEYS[3]: scheduled set
-- KEYS[4]: set of group names
-- KEYS[5]: groups whose names may get lost
-- KEYS[6]: Python servers that aggregate; does not exist when there is none
-- ARGV[1]: queue key prefix
-- ARGV[2]: now in nanoseconds
-- ARGV[3]: tick in seconds
-- ARGV[4]: how long the record lives, in seconds
-- ARGV[5]: what becomes of a task of an earlier tick that is not done: allow, skip or replace
-- ARGV[6..11]: id, msg, unique key or "", its seconds, expires_at or "", unique_until or ""
-- ARGV[12]: due in nanoseconds, or ""
-- ARGV[13]: due in seconds, or ""
-- ARGV[14]: group, or ""
-- ARGV[15]: channel that forwarders listen on
-- ARGV[16]: queue
-- ARGV[17]: how far ahead of now a last tick counts, in seconds; further ahead a clock was wrong
-- Returns: {"stored"}, {"past", last tick, id of its task}, {"paused"}, {"unfinished", id of the earlier
--          task}, or {"refused", code, ...} as claim returns it
-- Memory full: refused
-- Repeat: by_token
local prefix, id, group, key = ARGV[1], ARGV[6], ARGV[14], ARGV[1] .. "t:" .. ARGV[6]
local record = redis.call("HMGET", KEYS[1], "at", "task", "paused")
local last = tonumber(record[1] or "")
if last and last >= tonumber(ARGV[3]) and last <= ARGV[2] / 1e9 + ARGV[17] then
  return {"past", record[1], record[2] or ""}
end
redis.call("LLEN", KEYS[2]) -- these fail for keys of another type, before anything is written
redis.call("ZCARD", KEYS[3])
redis.call("SCARD", KEYS[4])
if record[3] then
  note_tick(KEYS[1], ARGV[3], ARGV[4], true)
  return {"paused"}
end
if record[2] and ARGV[5] ~= "allow" and is_in_the_way(prefix, record[2], ARGV[5]) then
  note_tick(KEYS[1], ARGV[3], ARGV[4])
  return {"unfinished", record[2]}
end
local why = claim(key, id, ARGV[8], ARGV[9])
if why then
  note_tick(KEYS[1], ARGV[3], ARGV[4])
  return {"refused", why[1], why[2], why[3]}
end
redis.call("HSET", key, "msg", ARGV[7])
describe(key, ARGV[8], ARGV[10], ARGV[11])
if ARGV[12] ~= "" then
  redis.call("HSET", key, "state", "scheduled", "process_at_ns", ARGV[12])
  if group ~= "" then
    join_later(KEYS[6], KEYS[5], key, group, ARGV[13])
  end
  redis.call("ZADD", KEYS[3], ARGV[13], id)
  if redis.call("ZRANK", KEYS[3], id) == 0 then
    redis.pcall("PUBLISH", ARGV[15], ARGV[12] .. " " .. ARGV[16])
  end
elseif group ~= "" then
  redis.call("HSET", key, "state", "aggregating", "group", group)
  redis.call("ZADD", prefix .. "g:" .. group, math.floor(ARGV[2] / 1e9), id)
  redis.call("SADD", KEYS[4], group)
else
  redis.call("HSET", key, "state", "pending", "pending_since", ARGV[2])
  redis.call("LPUSH", KEYS[2], id)
end
note_tick(KEYS[1], ARGV[3], ARGV[4], false, id)
return {"stored"}
