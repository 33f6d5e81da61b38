-- Deletes a task with its unique lock.
local function forget(key, id)
  local lock = redis.pcall("HGET", key, "unique_key")
  if type(lock) == "string" then
    unlock(lock, id)
  end
  redis.call("UNLINK", key) -- in the background if it is large
end
