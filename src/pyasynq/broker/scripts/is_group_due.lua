-- Purpose: find out whether a group is due.
-- Uses: due
-- KEYS[1]: group
-- ARGV[1]: now in seconds
-- ARGV[2]: grace period in seconds
-- ARGV[3]: longest delay in seconds, or 0
-- ARGV[4]: largest size, or 0
-- Returns: 1 when it is, else 0
-- Memory full: allowed
-- Repeat: safe
-- Writes: nothing
local now, grace, delay, most =
  tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
return due_size(KEYS[1], now, grace, delay, most) and 1 or 0
