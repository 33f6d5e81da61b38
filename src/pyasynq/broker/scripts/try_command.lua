-- Purpose: try whether scripts may use a command, on a key that nobody else uses.
-- KEYS[1]: key that is deleted by itself soon after
-- ARGV[1]: after how many milliseconds
-- ARGV[2..]: the command with its arguments, among them the key
-- Returns: the error of Redis, "" for none
-- Memory full: allowed
-- Repeat: safe
local call = {}
for i = 2, #ARGV do
  call[i - 1] = ARGV[i]
end
local function failed(reply)
  return type(reply) == "table" and reply.err or false
end

local answer = failed(redis.pcall(unpack(call))) or ""
if failed(redis.pcall("PEXPIRE", KEYS[1], ARGV[1])) then
  redis.pcall("DEL", KEYS[1])
end
return answer
