-- Tells whether the caller may finish an active task. The fence is an owner, or owner, digest and
-- lease cutoff in three lines; KEYS[2] is the lease set. An active id whose hash is gone can only be
-- the caller's: nobody dequeues such an id again.
local function is_callers(key, id, fence)
  local found = redis.pcall("HGET", key, "owner")
  if found == fence then
    return true
  end
  local owner, digest, cutoff = fence, "", ""
  if string.find(fence, "\n", 1, true) then
    owner, digest, cutoff = string.match(fence, "^(.-)\n(.-)\n(.*)$")
  end
  if cutoff ~= "" then
    local expiry = redis.call("ZSCORE", KEYS[2], id)
    if not expiry or tonumber(expiry) > tonumber(cutoff) then
      return false
    end
  elseif (found or "") ~= owner and redis.call("EXISTS", key) == 1 then
    return false
  end
  if digest ~= "" then
    local msg = redis.pcall("HGET", key, "msg")
    if msg and (type(msg) ~= "string" or redis.sha1hex(msg) ~= digest) then
      return false
    end
  end
  return true
end

-- Takes an active task out of KEYS[1] (active) if the caller may finish it; the caller removes it
-- from KEYS[2] (lease).
local function take(key, id, fence)
  return is_callers(key, id, fence) and remove(KEYS[1], id)
end
