-- Takes an id out of the active list, the newest of which is its head. LREM reads all entries up to
-- the id: short tasks would pay for all long ones that began before them, or for all that began
-- after. So a long list is searched near both ends first, beginning at the end where the last id was.
local is_long, side = nil, -1
local function remove(active, id)
  if is_long == nil then
    is_long = redis.call("LLEN", active) > 512
  end
  local near = 256
  while is_long and near <= 16384 do
    for _, rank in ipairs({side, -side}) do
      local place = redis.pcall("LPOS", active, id, "RANK", rank, "MAXLEN", near)
      if type(place) == "number" then
        side = rank
        return redis.call("LREM", active, rank, id) == 1
      elseif place then
        is_long = false -- an error: Redis before 6.0.6 has no LPOS
      end
    end
    near = near * 8
  end
  return redis.call("LREM", active, -1, id) == 1
end

-- Takes an active task out of KEYS[1] (active) if the caller may finish it; the caller removes it
-- from KEYS[2] (lease). The fence is an owner, or owner, digest and lease cutoff in three lines.
-- An active id whose hash is gone can only be the caller's: nobody dequeues such an id again.
local function take(key, id, fence)
  local owner, digest, cutoff = fence, "", ""
  if string.find(fence, "\n", 1, true) then
    owner, digest, cutoff = string.match(fence, "^(.-)\n(.-)\n(.*)$")
  end
  if cutoff ~= "" then
    local expiry = redis.call("ZSCORE", KEYS[2], id)
    if not expiry or tonumber(expiry) > tonumber(cutoff) then
      return false
    end
  elseif (redis.pcall("HGET", key, "owner") or "") ~= owner and redis.call("EXISTS", key) == 1 then
    return false
  end
  if digest ~= "" then
    local msg = redis.pcall("HGET", key, "msg")
    if msg and (type(msg) ~= "string" or redis.sha1hex(msg) ~= digest) then
      return false
    end
  end
  return remove(KEYS[1], id)
end
