-- Purpose: find out whether a server can run our scripts at all, and which version it has.
-- KEYS[1]: any key, which names the node
-- ARGV[1]: another key of the same slot, which is not declared, as those of tasks are not
-- Returns: {its version, or "" when INFO is not permitted, why it refuses the other key, or ""}
-- Memory full: allowed
-- Repeat: safe
-- Writes: nothing
local info, other = redis.pcall("INFO", "server"), redis.pcall("EXISTS", ARGV[1])
local version = type(info) == "string" and string.match(info, "redis_version:([%d.]+)")
return {version or "", type(other) == "table" and other.err or ""}
