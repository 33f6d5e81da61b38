-- Purpose: store a task as it was somewhere else, in the state that it had there.
-- Uses: remember
-- KEYS[1]: task hash
-- KEYS[2]: list or sorted set of its state
-- KEYS[3]: lease set
-- KEYS[4]: set of group names
-- KEYS[5]: groups whose names may get lost
-- ARGV[1]: id
-- ARGV[2]: state
-- ARGV[3]: "head" or "tail" of a list; "" for a set
-- ARGV[4]: score in a set; for an active task, when its lease is over, or ""
-- ARGV[5]: its unique lock, or ""
-- ARGV[6]: how long the lock lasts, in milliseconds, or -1 for ever
-- ARGV[7]: whether a lock that another task holds keeps it out: "1" or ""
-- ARGV[8]: its group, or ""
-- ARGV[9]: channel that forwarders listen on
-- ARGV[10]: queue and due time that they are told, or ""
-- ARGV[11]: "1" to only look
-- ARGV[12..]: fields and values of its hash
-- Returns: {1} when stored, {0, state, msg} when there is a task with the id, {-1, holder} when another
--          task holds the lock
-- Memory full: refused
-- Repeat: by_token
local id, state, score, lock, group = ARGV[1], ARGV[2], ARGV[4], ARGV[5], ARGV[8]
redis.call(ARGV[3] == "" and "ZCARD" or "LLEN", KEYS[2]) -- fails for a key of another type
redis.call("ZCARD", KEYS[3])
redis.call("SCARD", KEYS[4])
if redis.call("EXISTS", KEYS[1]) == 1 then
  local other = redis.pcall("HMGET", KEYS[1], "state", "msg")
  return {0, other[1] or "", other[2] or ""}
end
local holder = lock ~= "" and redis.pcall("GET", lock)
if holder and holder ~= id and ARGV[7] == "1" then
  return {-1, type(holder) == "string" and holder or ""}
elseif ARGV[11] == "1" then
  return {1}
end
redis.call("HSET", KEYS[1], unpack(ARGV, 12))
if lock ~= "" and not holder then
  redis.call("SET", lock, id)
  if tonumber(ARGV[6]) > 0 then
    redis.call("PEXPIRE", lock, ARGV[6])
  end
end
if ARGV[3] ~= "" then
  redis.call(ARGV[3] == "head" and "LPUSH" or "RPUSH", KEYS[2], id)
else
  redis.call("ZADD", KEYS[2], score, id)
end
if state == "active" and score ~= "" then
  redis.call("ZADD", KEYS[3], score, id)
elseif state == "aggregating" then
  redis.call("SADD", KEYS[4], group)
elseif group ~= "" and (state == "scheduled" or state == "retry") then
  remember(KEYS[5], group, score)
end
if state == "scheduled" and redis.call("ZRANGE", KEYS[2], 0, 0)[1] == id then
  redis.pcall("PUBLISH", ARGV[9], ARGV[10])
end
return {1}
