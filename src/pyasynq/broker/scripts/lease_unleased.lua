-- Purpose: give active ids that have no lease one, so that they are recovered like others.
-- KEYS[1]: active list
-- KEYS[2]: lease set
-- ARGV[1]: expiry of the lease in seconds
-- ARGV[2..]: ids
-- Returns: how many got one
-- Memory full: allowed
-- Repeat: safe
local given = 0
redis.call("ZREM", KEYS[2], "")
for i = 2, #ARGV do
  if redis.call("LPOS", KEYS[1], ARGV[i]) then
    given = given + redis.call("ZADD", KEYS[2], "NX", ARGV[1], ARGV[i])
  end
end
return given
