-- Makes a task pending, or archives it, after it was taken out of where it was.
-- asynq v0.26 inspect.go runTaskCmd: it comes last in line; unlike there it notes since when it waits.
local function place(target_key, target, key, id, now_s, now_ns)
  redis.call("HDEL", key, "process_at_ns", "group_when_due")
  if target == "pending" then
    redis.call("HSET", key, "state", target, "pending_since", now_ns)
    redis.call("LPUSH", target_key, id)
  else
    redis.call("HSET", key, "state", target)
    redis.call("ZADD", target_key, now_s, id)
  end
end

-- Fails if the key of a target has another type, before anything is written.
local function check_target(target_key, target)
  redis.call(target == "pending" and "LLEN" or "ZCARD", target_key)
end
