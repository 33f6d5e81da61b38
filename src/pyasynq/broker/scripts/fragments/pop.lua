-- Takes the last members of a list, at most count; returns them from the last one on, and false or none
-- if there are none.
local function pop(list, count)
  local popped = redis.pcall("RPOP", list, count)
  if not popped or not popped.err then
    return popped
  end
  -- Before Redis 6.2, RPOP takes one member only. On a key of another type, LRANGE fails like it.
  local last = redis.call("LRANGE", list, -count, -1)
  redis.call("LTRIM", list, 0, -#last - 1)
  local reversed = {}
  for i = #last, 1, -1 do
    reversed[#reversed + 1] = last[i]
  end
  return reversed
end
