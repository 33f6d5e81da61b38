-- Purpose: read a server with what it handles and what it runs.
-- KEYS[1]: server record
-- KEYS[2]: hash of the running tasks
-- KEYS[3]: what it handles
-- ARGV[1]: id of a task
-- ARGV[2]: bytes of running tasks after which no more are read
-- ARGV[3]: how many running tasks a server may have for any of them to be read
-- Returns: {server record, what it handles, record of the task, records of some running tasks}
-- Memory full: allowed
-- Repeat: safe
-- Writes: nothing
local function read(...)
  local reply = redis.pcall(...)
  return (type(reply) ~= "table" or not reply.err) and reply or false
end

local some, bytes = {}, 0
if (read("HLEN", KEYS[2]) or 0) <= tonumber(ARGV[3]) then
  for _, record in ipairs(read("HVALS", KEYS[2]) or {}) do
    bytes = bytes + #record
    if bytes > tonumber(ARGV[2]) then
      break
    end
    some[#some + 1] = record
  end
end
return {read("GET", KEYS[1]), read("GET", KEYS[3]), read("HGET", KEYS[2], ARGV[1]), some}
