-- Purpose: list active ids that have no lease, the longest active first.
-- KEYS[1]: active list
-- KEYS[2]: lease set
-- ARGV[1]: how many of the longest active to skip
-- ARGV[2]: how many to look at
-- Returns: {"1" when there are more to look at, ids}
-- Memory full: allowed
-- Repeat: safe
-- Writes: nothing
local last = -1 - tonumber(ARGV[1])
local ids = redis.call("LRANGE", KEYS[1], last + 1 - tonumber(ARGV[2]), last)
local answer = {#ids == tonumber(ARGV[2]) and "1" or "0"}
for i = #ids, 1, -1 do
  if not redis.call("ZSCORE", KEYS[2], ids[i]) then
    answer[#answer + 1] = ids[i]
  end
end
return answer
