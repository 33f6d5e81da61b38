-- Returns msg, pending_since, and false or a table of the other fields of a pending task.
-- Most tasks have just three fields; reading only those saves a tenth of a dequeue.
local function read_task(key)
  if redis.pcall("HLEN", key) == 3 then
    local plain = redis.pcall("HMGET", key, "msg", "pending_since", "state")
    if plain[1] and plain[1] ~= "" and plain[2] and plain[3] then
      return plain[1], plain[2], false
    end
  end
  local task = redis.pcall(
    "HMGET", key, "msg", "pending_since", "deferred", "expires_at", "unique_until", "unique_key"
  )
  return task[1], task[2], {task[3], task[4], task[5], lock = task[6], err = task.err}
end
