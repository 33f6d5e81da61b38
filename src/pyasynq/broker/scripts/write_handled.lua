-- Purpose: publish what a server handles.
-- KEYS[1]: what it handles
-- ARGV[1]: time to live, in seconds
-- ARGV[2]: what it handles
-- Returns: 1
-- Memory full: allowed
-- Repeat: safe
redis.call("UNLINK", KEYS[1])
redis.call("SETEX", KEYS[1], ARGV[1], ARGV[2])
return 1
