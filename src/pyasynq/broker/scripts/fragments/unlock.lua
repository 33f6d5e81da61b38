-- Frees a unique lock if the task holds it.
local function unlock(lock, id)
  if lock and lock ~= "" and redis.pcall("GET", lock) == id then
    redis.call("DEL", lock)
  end
end
