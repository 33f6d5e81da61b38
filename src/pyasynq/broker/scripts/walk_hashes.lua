-- Purpose: read the next tasks of a walk, with all fields of their hashes; a list from its tail.
-- Uses: go_on
-- KEYS[1]: list or sorted set of ids
-- KEYS[2]: lease set
-- ARGV[1]: task key prefix
-- ARGV[2]: "list", from its tail, or "zset", from the lowest score
-- ARGV[3]: rank that comes next if nothing has changed
-- ARGV[4]: how many tasks at most
-- ARGV[5]: bytes of tasks after which no more are read
-- ARGV[6]: score of the last id, or ""
-- ARGV[7..]: ids that the walk has passed, the last one first
-- Returns: {rank of the first task, per task {id, score or lease expiry, fields and values of its hash,
--          or how many fields it has if these are too many to read; -1 when it is no hash}}
-- Memory full: allowed
-- Repeat: safe
-- Writes: nothing
local is_list, rank, limit = ARGV[2] == "list", tonumber(ARGV[3]), tonumber(ARGV[4])
if rank > 0 then
  rank = is_list and rank_in_list(rank, 7, true) or rank_in_set(rank, 7, ARGV[6])
end
local found, tasks, bytes = {}, {}, 0
if is_list then
  local ids = redis.call("LRANGE", KEYS[1], -rank - limit, -rank - 1)
  for i = #ids, 1, -1 do
    local lease = redis.pcall("ZSCORE", KEYS[2], ids[i])
    found[#found + 1] = ids[i]
    found[#found + 1] = type(lease) == "string" and lease
  end
else
  found = redis.call("ZRANGE", KEYS[1], rank, rank + limit - 1, "WITHSCORES")
end
for i = 1, #found, 2 do
  if bytes >= tonumber(ARGV[5]) then
    break
  end
  local key = ARGV[1] .. found[i]
  local fields = redis.pcall("HLEN", key)
  if type(fields) == "table" then
    fields = -1
  elseif fields > 0 and fields <= 1000 then
    fields = redis.call("HGETALL", key)
    for _, each in ipairs(fields) do
      bytes = bytes + #each
    end
  end
  tasks[#tasks + 1] = {found[i], found[i + 1], fields}
end
return {rank, tasks}
