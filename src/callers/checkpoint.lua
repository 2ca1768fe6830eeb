-- Stores what a running call has cost so far, and gives it another `ttl` to be heard of.
-- KEYS  hold, deadlines
-- ARGV  invocation, try, cost, ttl ms
-- Answers {OK} or {NOHOLD}. The cost kept never falls and never passes the ceiling.

local inv, try = word(ARGV[1], 64, 'invocation'), word(ARGV[2], 64, 'try')
local cost, ttl_ms = whole(ARGV[3], 'cost'), whole(ARGV[4], 'ttl')
if ttl_ms < 1 or ttl_ms > 86400000 then
    bad('ttl')
end

local hold = record_read(KEYS[1])
if not hold or hold.st ~= 'H' or hold.try ~= try then
    return {'NOHOLD'}
end
cost = math.min(cost, whole(hold.c, 'held ceiling'))
if cost > whole(hold.cp, 'checkpoint') then
    hold.cp = digits(cost)
    redis.call('SET', KEYS[1], record_pack(hold))
end
redis.call('ZADD', KEYS[2], 'XX', 'GT', digits(math.floor(now_us() / 1000) + ttl_ms), inv)
return {'OK'}
