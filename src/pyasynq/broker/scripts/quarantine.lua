-- Purpose: archive an active task whose message cannot be read, its bytes untouched.
-- Uses: remove, fence
-- KEYS[1]: active list
-- KEYS[2]: lease set
-- KEYS[3]: archived set
-- ARGV[1]: task key
-- ARGV[2]: now in seconds
-- ARGV[3]: id
-- ARGV[4]: fence
-- Returns: 1 when archived, 0 when the task is not the caller's
-- Memory full: allowed
-- Repeat: by_token
redis.call("ZCARD", KEYS[2])
redis.call("ZCARD", KEYS[3])
if redis.call("EXISTS", ARGV[1]) == 0 or not take(ARGV[1], ARGV[3], ARGV[4]) then
  return 0
end
redis.call("ZREM", KEYS[2], ARGV[3])
redis.call("ZADD", KEYS[3], ARGV[2], ARGV[3])
redis.call("HSET", ARGV[1], "state", "archived")
redis.call("HDEL", ARGV[1], "owner", "on_cancel")
return 1
