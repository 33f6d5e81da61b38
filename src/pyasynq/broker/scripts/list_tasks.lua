-- Purpose: read tasks of one list or sorted set, by their rank.
-- Uses: read_tasks
-- KEYS[1]: list or sorted set of ids
-- KEYS[2]: lease set
-- ARGV[1]: task key prefix
-- ARGV[2]: "list" or "zset"
-- ARGV[3]: rank of the first task, from 0
-- ARGV[4]: how many tasks at most
-- ARGV[5]: "head": rank 0 is the head of a list, the lowest score of a set; "tail": the other end
-- ARGV[6]: bytes of tasks after which no more are read
-- Returns: what read_tasks returns
-- Memory full: allowed
-- Repeat: safe
-- Writes: nothing
local first, limit, most_bytes = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[6])
return read_tasks(ARGV[1], ARGV[2] == "list", first, limit, ARGV[5] == "tail", most_bytes, "all")
