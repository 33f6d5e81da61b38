-- Purpose: store the aggregate of a set and delete the members of the set.
-- Uses: claim, unlock, forget, remember, join_later
-- KEYS[1]: index of the aggregation sets
-- KEYS[2]: aggregation set
-- KEYS[3]: where the aggregate goes: pending list, scheduled set, or its group
-- KEYS[4]: set of group names
-- KEYS[5]: groups whose names may get lost
-- KEYS[6]: Python servers that aggregate; does not exist when there is none
-- ARGV[1]: task key prefix
-- ARGV[2]: now in nanoseconds
-- ARGV[3]: state of the aggregate: "pending", "scheduled" or "aggregating"; "" for no aggregate
-- ARGV[4..9]: id, msg, unique key or "", its seconds, expires_at or "", unique_until or ""
-- ARGV[10]: when it is due in nanoseconds, or ""
-- ARGV[11]: its score in KEYS[3]
-- ARGV[12]: its group, or ""
-- ARGV[13..]: per member that has one: id, unique key
-- Returns: {0} when the set is not listed, or has more members than check_aggregation gives one, {1} when it is done, else {2, code, ...} as claim returns it
-- Memory full: allowed
-- Repeat: by_token
redis.call("ZREM", KEYS[1], "")
if not redis.call("ZSCORE", KEYS[1], KEYS[2]) or redis.call("ZCARD", KEYS[2]) > 500 then
  return {0}
end
local state, id = ARGV[3], ARGV[4]
if state ~= "" then
  local key = ARGV[1] .. id
  local why = claim(key, id, ARGV[6], ARGV[7])
  if why then
    return {2, why[1], why[2], why[3]}
  end
  redis.call("HSET", key, "msg", ARGV[5], "state", state)
  describe(key, ARGV[6], ARGV[8], ARGV[9])
  if state == "pending" then
    redis.call("HSET", key, "pending_since", ARGV[2])
    redis.call("LPUSH", KEYS[3], id)
  else
    redis.call("ZADD", KEYS[3], ARGV[11], id)
  end
  if ARGV[10] ~= "" then
    redis.call("HSET", key, "process_at_ns", ARGV[10])
  end
  if state == "aggregating" then
    redis.call("HSET", key, "group", ARGV[12])
    redis.call("SADD", KEYS[4], ARGV[12])
  elseif ARGV[12] ~= "" then
    join_later(KEYS[6], KEYS[5], key, ARGV[12], ARGV[11])
  end
end
for i = 13, #ARGV, 2 do
  unlock(ARGV[i + 1], ARGV[i])
end
for _, member in ipairs(redis.call("ZRANGE", KEYS[2], 0, -1)) do
  forget(ARGV[1] .. member, member)
end
redis.call("UNLINK", KEYS[2])
redis.call("ZREM", KEYS[1], KEYS[2])
return {1}
