-- Purpose: find out whether a server can run our scripts at all, and which version it has.
-- KEYS[1]: any key, which names the node
-- ARGV[1]: another key of the same slot, which is not declared, as those of tasks are not
-- Returns: {its version, why it refuses the other key, or "", which server it is}; the first and the last
--          one are "" when INFO is not permitted
-- Memory full: allowed
-- Repeat: safe
-- Writes: nothing
local info, other = redis.pcall("INFO", "server"), redis.pcall("EXISTS", ARGV[1])
local text = type(info) == "string" and info or ""
local version, server = string.match(text, "redis_version:([%d.]+)"), string.match(text, "run_id:(%w+)")
return {version or "", type(other) == "table" and other.err or "", server or ""}
