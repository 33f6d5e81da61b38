-- Purpose: give active ids that have no lease one, so that they are recovered like others.
-- KEYS[1]: active list
-- KEYS[2]: lease set
-- ARGV[1]: expiry of the lease in seconds
-- ARGV[2]: how many of the longest active to skip
-- ARGV[3]: how many to look at: an id that is not among them gets none
-- ARGV[4..]: ids
-- Returns: how many got one
-- Memory full: allowed
-- Repeat: safe
redis.call("ZREM", KEYS[2], "")
local last, wanted, given = -1 - tonumber(ARGV[2]), {}, 0
for i = 4, #ARGV do
  wanted[ARGV[i]] = true
end
for _, id in ipairs(redis.call("LRANGE", KEYS[1], last + 1 - tonumber(ARGV[3]), last)) do
  if wanted[id] then
    given = given + redis.call("ZADD", KEYS[2], "NX", ARGV[1], id)
  end
end
return given
