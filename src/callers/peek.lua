-- Shows a record by the names of its fields, and changes nothing.
-- KEYS  hold, deadlines
-- ARGV  invocation
-- Answers {} or {name, value, ...}; for a live hold with its `deadline`.

local hold = record_read(KEYS[1])
if not hold then
    return {}
end
local out = {}
for _, name in ipairs(RECORDS[hold.st]) do
    out[#out + 1] = name
    out[#out + 1] = hold[name]
end
if hold.st == 'H' then
    out[#out + 1] = 'deadline'
    out[#out + 1] = redis.call('ZSCORE', KEYS[2], word(ARGV[1], 64, 'invocation')) or '0'
end
return out
