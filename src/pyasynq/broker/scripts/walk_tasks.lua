-- Purpose: read the next tasks of a walk through a list or a sorted set that others change meanwhile.
-- Uses: go_on, read_tasks
-- KEYS[1]: list or sorted set of ids
-- KEYS[2]: lease set
-- ARGV[1]: task key prefix
-- ARGV[2]: "list", from its head, "zset", from the lowest score, or "reversed", a set from the highest
-- ARGV[3]: rank that comes next if nothing has changed
-- ARGV[4]: how many tasks at most
-- ARGV[5]: bytes of tasks after which no more are read
-- ARGV[6]: score of the last id, or ""
-- ARGV[7]: what to read of each task: "all", "message" or "none"
-- ARGV[8..]: ids that the walk has passed, the last one first
-- Returns: {rank of the first task, what read_tasks returns}; ids that were there all the time are never
--          left out, but may come again
-- Memory full: allowed
-- Repeat: safe
-- Writes: nothing
local is_list, is_reversed, rank = ARGV[2] == "list", ARGV[2] == "reversed", tonumber(ARGV[3])
if rank > 0 then
  rank = is_list and rank_in_list(rank, 8, false) or rank_in_set(rank, 8, ARGV[6], is_reversed)
end
return {rank, read_tasks(ARGV[1], is_list, rank, tonumber(ARGV[4]), is_reversed, tonumber(ARGV[5]), ARGV[7])}
