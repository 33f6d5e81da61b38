-- Purpose: write entries of a scheduler, in place of those that it has written before.
-- KEYS[1]: entries of the scheduler
-- ARGV[1]: their time to live, in seconds
-- ARGV[2]: 1 to add to what is there
-- ARGV[3..]: records
-- Returns: 1
-- Memory full: allowed
-- Repeat: safe
if ARGV[2] ~= "1" then
  redis.call("UNLINK", KEYS[1])
end
for i = 3, #ARGV do
  redis.call("LPUSH", KEYS[1], ARGV[i])
end
redis.call("EXPIRE", KEYS[1], ARGV[1])
return 1
