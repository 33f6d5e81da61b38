-- Purpose: add what a server did in one minute to the statistics of task types of one queue.
-- KEYS[1]: index of the types, by the last minute that has statistics
-- KEYS[2]: statistics of all types beyond the limit
-- KEYS[3..]: per type: its statistics
-- ARGV[1]: the minute, counted from 1970
-- ARGV[2]: how many minutes are kept
-- ARGV[3]: how many types are kept
-- ARGV[4]: name of all types beyond the limit
-- ARGV[5]: how many minutes statistics live after the last one was written
-- ARGV[6..]: per type: its name, its counts as JSON
-- Returns: 1
-- Memory full: refused
-- Repeat: never
local index, minute, kept, most = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local rest, lives = ARGV[4], tonumber(ARGV[5])

local function add(counts, more)
  for name, value in pairs(more) do
    local mine, kind = counts[name], type(value)
    if kind == "table" and (mine == nil or type(mine) == kind) then
      counts[name] = add(mine or {}, value)
    elseif kind == "number" and (mine == nil or type(mine) == kind) then
      counts[name] = (mine or 0) + value
    end
  end
  return counts
end

for at = 6, #ARGV, 2 do
  local key, name, counts = KEYS[at / 2], ARGV[at], cjson.decode(ARGV[at + 1])
  if not redis.call("ZSCORE", index, name) and redis.call("ZCARD", index) >= most then
    key, name = KEYS[2], rest
  end
  redis.call("ZADD", index, minute, name)
  local stored = redis.call("HGET", key, minute)
  local is_json, before = pcall(cjson.decode, stored or "{}")
  if is_json and type(before) == "table" then
    add(counts, before)
  end
  redis.call("HSET", key, minute, cjson.encode(counts))
  local old = {}
  for age = kept, kept + lives do
    old[#old + 1] = minute - age
  end
  redis.call("HDEL", key, unpack(old))
  redis.call("EXPIRE", key, 60 * lives)
end
for _, name in ipairs(redis.call("ZRANGEBYSCORE", index, "-inf", minute - lives, "LIMIT", 0, 100)) do
  redis.call("ZREM", index, name)
end
redis.call("EXPIRE", index, 60 * lives)
return 1
