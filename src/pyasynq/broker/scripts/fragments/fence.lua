-- Returns whether the caller may finish an active task. The fence is an owner, or owner, digest and
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

-- Takes the tasks of a batch, whose ids are in ARGV from first on, each followed by its fence. Returns
-- the positions in ARGV and the ids of the caller's tasks, and of the others the indexes, from 0, or -1
-- less the index if the call has done enough before.
local function take_all(prefix, first, step)
  local positions, ids, taken, lost = {}, {}, {}, {}
  local function lose(at)
    lost[#lost + 1] = (at - first) / step
  end
  for at = first, #ARGV, step do
    local id = ARGV[at]
    if is_callers(prefix .. id, id, ARGV[at + 1]) then
      ids[#ids + 1], positions[#positions + 1] = id, at
    else
      lose(at)
    end
  end
  local removed, ours = remove_all(KEYS[1], ids), {}
  for i, id in ipairs(ids) do
    if removed[i] then
      taken[#taken + 1], ours[#ours + 1] = positions[i], id
    elseif removed[i] == false then
      lose(positions[i])
    else
      lost[#lost + 1] = -1 - (positions[i] - first) / step
    end
  end
  return taken, ours, lost
end
