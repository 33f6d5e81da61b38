-- Checks whether a new task may be stored, and takes its unique lock.
-- Returns nil when it may, else why not: {-1, holder of the lock} or {0, state, msg of the task there}.
local function claim(key, id, lock, ttl)
  if lock ~= "" then
    local holder = redis.pcall("GET", lock)
    if holder then
      return {-1, type(holder) == "string" and holder or ""}
    end
  end
  if redis.call("EXISTS", key) == 1 then
    local other = redis.pcall("HMGET", key, "state", "msg")
    return {0, other[1] or "", other[2] or ""}
  end
  if lock ~= "" then
    redis.call("SET", lock, id, "EX", ttl)
  end
  return nil
end

-- Stores the fields that only some tasks have.
local function describe(key, lock, expires_at, unique_until)
  if lock ~= "" then
    redis.call("HSET", key, "unique_key", lock)
  end
  if expires_at ~= "" then
    redis.call("HSET", key, "expires_at", expires_at)
  end
  if unique_until ~= "" then
    redis.call("HSET", key, "unique_until", unique_until)
  end
end
