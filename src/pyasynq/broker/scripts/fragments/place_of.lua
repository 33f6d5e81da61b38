-- Finds a task in its queue, in bounded time and without writing anything.
local function read(...)
  local reply = redis.pcall(...)
  return (type(reply) ~= "table" or not reply.err) and reply or false
end

-- Returns {ids there, ids before it, false}: -1 if the list cannot be searched, as in Redis before
-- 6.0.6; false if it is not among the oldest ones.
local function in_list(key, id, most)
  local size = read("LLEN", key) or 0
  local at = redis.pcall("LPOS", key, id, "RANK", -1, "MAXLEN", most)
  return {size, type(at) == "number" and size - 1 - at or (type(at) == "table" and -1), false}
end

-- Returns {ids there, ids before it, its score, lowest score, highest score}.
local function in_set(key, id)
  local first, last = read("ZRANGE", key, 0, 0, "WITHSCORES"), read("ZRANGE", key, -1, -1, "WITHSCORES")
  local lowest, highest = first and first[2] or false, last and last[2] or false
  return {read("ZCARD", key) or 0, read("ZRANK", key, id), read("ZSCORE", key, id), lowest, highest}
end

-- Returns what in_set returns, the deadline of its aggregation set, and whether the group is listed.
local function in_group(prefix, id, group, most)
  local key, sets, deadline = prefix .. "g:" .. group, prefix .. "aggregation_sets", false
  for _, set in ipairs(read("ZRANGE", sets, 0, most - 1) or {}) do
    if string.sub(set, 1, #key + 1) == key .. ":" and read("ZSCORE", set, id) then
      deadline = read("ZSCORE", sets, set)
    end
  end
  local size, rank, score, lowest, highest = unpack(in_set(key, id))
  return {size, rank, score, lowest, highest, deadline, read("SISMEMBER", prefix .. "groups", group)}
end

-- Returns where a task of a state is; prefix is that of all keys of the queue.
local function place_of(prefix, id, state, group, most)
  if state == "aggregating" then
    return in_group(prefix, id, group, most)
  elseif state ~= "pending" and state ~= "active" then
    return in_set(prefix .. state, id)
  end
  local place = in_list(prefix .. state, id, most)
  if state == "active" then
    place[3] = read("ZSCORE", prefix .. "lease", id)
  end
  return place
end
