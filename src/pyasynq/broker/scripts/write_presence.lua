-- Purpose: write the record of a server and those of its running tasks.
-- KEYS[1]: server record
-- KEYS[2]: hash of the running tasks
-- ARGV[1]: time to live of both keys, in seconds
-- ARGV[2]: server record
-- ARGV[3..]: per running task: id, record
-- Returns: 1
-- Memory full: allowed
-- Repeat: safe
redis.call("UNLINK", KEYS[2])
redis.call("SETEX", KEYS[1], ARGV[1], ARGV[2])
for i = 3, #ARGV, 2 do
  redis.call("HSET", KEYS[2], ARGV[i], ARGV[i + 1])
end
redis.call("EXPIRE", KEYS[2], ARGV[1])
return 1
