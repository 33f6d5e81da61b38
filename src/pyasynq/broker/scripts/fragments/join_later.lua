-- Notes the group that a scheduled task joins when it is due. Go's forwarder adds a task that has the
-- field "group" to that group, but does not list the group. A Python server that aggregates lists it
-- again; without one the task would wait for ever, so then only forwarders of Python may see the group.
local function join_later(aggregators, names, key, group, due)
  if redis.call("EXISTS", aggregators) == 1 then
    redis.call("HSET", key, "group", group)
    remember(names, group, due)
  else
    redis.call("HSET", key, "group_when_due", group)
  end
end
