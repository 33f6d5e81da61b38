-- Drops members of an index that have expired before a second: a bounded number of them in one call.
local function drop_expired(index, second)
  for _, member in ipairs(redis.call("ZRANGEBYSCORE", index, "-inf", "(" .. second, "LIMIT", 0, 100)) do
    redis.call("ZREM", index, member)
  end
end
