-- Purpose: find out whether any of some keys of one node exists, whatever their slots.
-- KEYS[1]: one of them, which names the node
-- ARGV[1..]: all of them; on a cluster, those that the node serves
-- Returns: 1 or 0
-- Memory full: allowed
-- Repeat: safe
-- Writes: nothing
for _, key in ipairs(ARGV) do
  if redis.call("EXISTS", key) == 1 then
    return 1
  end
end
return 0
