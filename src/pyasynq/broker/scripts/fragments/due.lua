-- Returns how many members a group has if it is due, else nil.
-- asynq v0.26 rdb.go aggregationCheckCmd: only the newest member counts for the grace period.
local function due_size(group, now, grace, delay, most)
  local size = redis.call("ZCARD", group)
  if size == 0 then
    return nil
  end

  local function added_at(rank)
    return tonumber(redis.call("ZRANGE", group, rank, rank, "WITHSCORES")[2])
  end

  local is_due = (most > 0 and size >= most)
    or (delay > 0 and added_at(0) <= now - delay)
    or added_at(-1) <= now - grace
  return is_due and size or nil
end
