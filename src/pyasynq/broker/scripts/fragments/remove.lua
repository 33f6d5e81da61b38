-- LREM reads all entries of the active list up to the id: a short task would pay for all long ones that
-- began before it, or for all that began after it. So the search begins at the end where the last id
-- was found, and in a long list it looks near both ends first. A call reads some 250,000 entries, which
-- takes Redis 5 ms: what is left of its tasks then is left to another call.
local is_long, size, side = nil, 0, -1 -- the newest is the head
local most, spent = 250000, 0

-- Takes an id out of the active list; returns whether it was there.
local function remove(active, id)
  if is_long == nil then
    size = redis.call("LLEN", active)
    is_long = size > 200
  end
  local near = 128
  while is_long and near <= 16384 do
    for _, rank in ipairs({side, -side}) do
      local at = redis.pcall("LPOS", active, id, "RANK", rank, "MAXLEN", near)
      if type(at) == "number" then
        side = rank
        spent = spent + 2 * (rank == 1 and at or size - at)
        return redis.call("LREM", active, rank, id) == 1
      elseif at then
        is_long = false -- an error: Redis before 6.0.6 has no LPOS
      end
      spent = spent + near
    end
    near = near * 8
  end
  spent = spent + size
  return redis.call("LREM", active, side, id) == 1
end

-- Takes ids out of the active list if they are its oldest: tasks that began together often end together.
local function cut_oldest(active, ids)
  local missing, is_id = #ids, {}
  for _, id in ipairs(ids) do
    is_id[id] = true
  end
  local oldest = redis.pcall("LRANGE", active, -missing, -1)
  for _, id in ipairs(oldest) do -- none if it is an error
    if is_id[id] then
      is_id[id] = nil
      missing = missing - 1
    end
  end
  return missing == 0 and not redis.pcall("LTRIM", active, 0, -#ids - 1).err
end

-- Takes ids out of the active list; returns for each whether it was there, and nil for the last ones if
-- the call has done enough before.
local function remove_all(active, ids)
  local removed = {}
  local is_cut = #ids > 1 and cut_oldest(active, ids)
  if #ids > 1 and not is_cut then
    local at = redis.pcall("LPOS", active, ids[1], "MAXLEN", 200)
    if type(at) == "number" and 2 * at < redis.call("LLEN", active) then
      side = 1
    end
  end
  for i, id in ipairs(ids) do
    if spent > most then
      break
    end
    removed[i] = is_cut or remove(active, id)
  end
  return removed
end
