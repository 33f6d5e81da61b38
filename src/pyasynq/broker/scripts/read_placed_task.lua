-- Purpose: read a task with its place in the queue and its unique lock.
-- Uses: place_of
-- KEYS[1]: any key of the queue; the unique lock if its holder is read
-- ARGV[1]: queue key prefix
-- ARGV[2]: id, or "" to read the task that holds the lock KEYS[1]
-- ARGV[3]: how many ids of a list, or sets that are aggregated, are looked through
-- Returns: {id, type of its key, {msg, state, pending_since, unique_key, group, expires_at,
--          process_at_ns, group_when_due, on_cancel}, where it is listed, its place there as
--          place_of returns it, {lock, its holder, its time to live in ms}}
-- Memory full: allowed
-- Repeat: safe
-- Writes: nothing
local prefix, id, lock = ARGV[1], ARGV[2], false
if id == "" then
  lock, id = KEYS[1], read("GET", KEYS[1]) or ""
end
local kind, task = "none", {}
if id ~= "" then
  kind = redis.call("TYPE", prefix .. "t:" .. id).ok
end
if kind == "hash" then
  task = redis.call("HMGET", prefix .. "t:" .. id, "msg", "state", "pending_since", "unique_key", "group",
    "expires_at", "process_at_ns", "group_when_due", "on_cancel")
end

local listed, place = "", {}
if kind == "hash" then
  listed = task[2] or ""
  place = place_of(prefix, id, listed, task[5] or "", ARGV[3])
elseif id ~= "" then
  for _, state in ipairs({"pending", "active", "scheduled", "retry", "archived", "completed"}) do
    local found = place_of(prefix, id, state, "", ARGV[3])
    if found[2] and found[2] ~= -1 then
      listed, place = state, found
    end
  end
end

-- The key of a lock is built from the queue that was searched, never from what a task says.
if not lock and task[4] and string.sub(task[4], 1, #prefix) == prefix then
  lock = task[4]
end
local holder, ttl = false, false
if lock then
  holder, ttl = read("GET", lock), read("PTTL", lock)
end
return {id, kind, task, listed, place, {lock, holder, ttl}}
