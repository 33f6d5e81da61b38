-- Purpose: read the next tasks of a walk through a list or a sorted set that others change meanwhile.
-- Uses: read_tasks
-- KEYS[1]: list or sorted set of ids
-- KEYS[2]: lease set
-- ARGV[1]: task key prefix
-- ARGV[2]: "list", from its head, "zset", from the lowest score, or "reversed", a set from the highest
-- ARGV[3]: rank that comes next if nothing has changed
-- ARGV[4]: how many tasks at most
-- ARGV[5]: bytes of tasks after which no more are read
-- ARGV[6]: score of the last id, or ""
-- ARGV[7]: what to read of each task: "all", "message" or "none"
-- ARGV[8..]: ids that the walk has passed, the last one first
-- Returns: {rank of the first task, what read_tasks returns}; ids that were there all the time are never
--          left out, but may come again
-- Memory full: allowed
-- Repeat: safe
-- Writes: nothing
local is_list, is_reversed, expected = ARGV[2] == "list", ARGV[2] == "reversed", tonumber(ARGV[3])

local function rank_in_list()
  if redis.call("LINDEX", KEYS[1], expected - 1) == ARGV[8] then
    return expected
  end
  local from, after = math.max(0, expected - 501), {}
  for i, id in ipairs(redis.call("LRANGE", KEYS[1], from, expected + 499)) do
    after[id] = from + i
  end
  for i = 8, #ARGV do
    if after[ARGV[i]] then
      return after[ARGV[i]]
    end
  end
  return from
end

local function rank_in_set()
  local sign, rank_of = is_reversed and -1 or 1, is_reversed and "ZREVRANK" or "ZRANK"
  for i = 8, #ARGV do
    local score = redis.call("ZSCORE", KEYS[1], ARGV[i])
    if score and sign * tonumber(score) <= sign * tonumber(ARGV[6]) then
      return redis.call(rank_of, KEYS[1], ARGV[i]) + 1
    end
  end
  local before, last = "-inf", "(" .. ARGV[6]
  if is_reversed then
    before, last = last, "+inf"
  end
  return math.min(expected, redis.call("ZCOUNT", KEYS[1], before, last))
end

local rank = expected
if expected > 0 then
  rank = is_list and rank_in_list() or rank_in_set()
end
return {rank, read_tasks(ARGV[1], is_list, rank, tonumber(ARGV[4]), is_reversed, tonumber(ARGV[5]), ARGV[7])}
