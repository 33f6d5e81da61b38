-- Returns the rank at which a walk through KEYS[1] goes on: the ids from ARGV[first] on were passed, the
-- last one first, and the next rank is `expected` if nothing has changed. A rank counts from the head
-- of a list, or from its tail, or from the lowest score of a set, or from the highest if it is reversed.
local function rank_in_list(expected, first, is_from_tail)
  local function range(from, to)
    if is_from_tail then
      return redis.call("LRANGE", KEYS[1], -to - 1, -from - 1)
    end
    return redis.call("LRANGE", KEYS[1], from, to)
  end

  if range(expected - 1, expected - 1)[1] == ARGV[first] then
    return expected
  end
  local from, after = math.max(0, expected - 501), {}
  local ids = range(from, expected + 499)
  for i, id in ipairs(ids) do
    after[id] = from + (is_from_tail and #ids + 1 - i or i)
  end
  for i = first, #ARGV do
    if after[ARGV[i]] then
      return after[ARGV[i]]
    end
  end
  -- What is fetched leaves by the tail, perhaps very much of it: then nothing there was passed.
  return is_from_tail and 0 or from
end

local function rank_in_set(expected, first, last_score, is_reversed)
  local sign, rank_of = is_reversed and -1 or 1, is_reversed and "ZREVRANK" or "ZRANK"
  for i = first, #ARGV do
    local score = redis.call("ZSCORE", KEYS[1], ARGV[i])
    if score and sign * tonumber(score) <= sign * tonumber(last_score) then
      return redis.call(rank_of, KEYS[1], ARGV[i]) + 1
    end
  end
  local before, last = "-inf", "(" .. last_score
  if is_reversed then
    before, last = last, "+inf"
  end
  return math.min(expected, redis.call("ZCOUNT", KEYS[1], before, last))
end
