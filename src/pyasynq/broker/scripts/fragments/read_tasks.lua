-- Reads tasks of a list or a sorted set from a rank on: the rank counts from the head or the lowest
-- score, or backwards from the other end. KEYS[2] is the lease set, most_bytes ends the reading.
-- Returns {ids in the key, ids read, per id: id, score or lease expiry, and for "all" of a task: msg,
-- state, result, process_at_ns, pending_since; for "message": msg; for "none": nothing more}.
local CONTENTS = {all = {"msg", "state", "result", "process_at_ns", "pending_since"}, message = {"msg"}, none = {}}

local function read_tasks(prefix, is_list, first, limit, is_backwards, most_bytes, content)
  local fields = CONTENTS[content]
  local size = redis.call(is_list and "LLEN" or "ZCARD", KEYS[1])
  local from, to = first, first + limit - 1
  if is_backwards then
    from, to = size - first - limit, size - first - 1
  end
  local found, step = {}, is_list and 1 or 2
  if to >= 0 and is_list then
    found = redis.call("LRANGE", KEYS[1], math.max(from, 0), to)
  elseif to >= 0 then
    found = redis.call("ZRANGE", KEYS[1], math.max(from, 0), to, "WITHSCORES")
  end
  local answer, bytes, count = {size, 0}, 0, #found / step
  for i = 1, count do
    if bytes >= most_bytes then
      break
    end
    local at = ((is_backwards and count + 1 - i or i) - 1) * step + 1
    local id = found[at]
    local score = found[at + 1]
    if is_list then
      score = redis.pcall("ZSCORE", KEYS[2], id)
    end
    local task = #fields > 0 and redis.pcall("HMGET", prefix .. id, unpack(fields))
    answer[#answer + 1] = id
    answer[#answer + 1] = type(score) == "string" and score or false
    for j = 1, #fields do
      answer[#answer + 1] = task[j] or false -- nothing of a key of another type
      bytes = bytes + (task[j] and #task[j] or 0)
    end
    answer[2] = i
  end
  return answer
end
