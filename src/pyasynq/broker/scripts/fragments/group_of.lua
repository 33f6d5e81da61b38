-- Returns the group that a due task joins, by its fields "group" and "group_when_due". A retry gives no
-- task to the latter: the task has run alone.
local function group_of(task, is_retry)
  local group = task[1]
  if (not group or group == "") and not is_retry then
    return task[2]
  end
  return group
end
