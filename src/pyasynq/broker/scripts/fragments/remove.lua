-- LREM reads all entries of the active list up to the id: short tasks would pay for all long ones that
-- began before them, or for all that began after. So the search begins at the end where the last id
-- was, and in a long list it looks near both ends first.
local is_long, side = nil, -1 -- the newest is the head

-- Takes an id out of the active list; tells whether it was there.
local function remove(active, id)
  if is_long == nil then
    is_long = redis.call("LLEN", active) > 200
  end
  local near = 128
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
  return redis.call("LREM", active, side, id) == 1
end

-- Takes ids out of the active list if they are its oldest: what began together often ends together.
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

-- Takes ids out of the active list; returns for each whether it was there.
local function remove_all(active, ids)
  local removed = {}
  local is_cut = #ids > 1 and cut_oldest(active, ids)
  if #ids > 1 and not is_cut then
    local place = redis.pcall("LPOS", active, ids[1], "MAXLEN", 200)
    if type(place) == "number" and 2 * place < redis.call("LLEN", active) then
      side = 1
    end
  end
  for i, id in ipairs(ids) do
    removed[i] = is_cut or remove(active, id)
  end
  return removed
end
