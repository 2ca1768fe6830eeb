-- Who takes a bucket's ledger out of the store, how far it has come, and what may go for it.
-- KEYS  export state, ledger
-- ARGV  take, gateway, epoch, ttl ms
--       save, gateway, epoch, fence, ttl ms, ms and count of the last entry that is on the disk
--       trim, gateway, epoch, fence, margin ms
-- Answers take: {OK, fence, ms, count} or {HELD}, another gateway's; a later run of the gateway that has
-- it takes it over. save: {OK}; trim: {OK, entries gone}; both {LOST} when another fence stands.
-- The fence grows with every new holder: one that was stopped for longer than its lease changes
-- nothing when it goes on. Only what was saved goes, and not before the margin has passed.

local op, gateway = ARGV[1], word(ARGV[2], 64, 'gateway')
local epoch = digits(whole(ARGV[3], 'epoch'))
local state = redis.call('HMGET', KEYS[1], 'gw', 'epoch', 'fence', 'until', 'ms', 'count')
local fence, ends = stored(state[3]), stored(state[4])
local ms, count = stored(state[5]), stored(state[6])
local now_ms = math.floor(now_us() / 1000)

if op == 'take' then
    local ttl = whole(ARGV[4], 'ttl')
    local own = state[1] == gateway
    if ends > now_ms and not own then
        return {'HELD'}
    end
    if not own or state[2] ~= epoch then
        fence = fence + 1
    end
    redis.call('HSET', KEYS[1], 'gw', gateway, 'epoch', epoch, 'fence', digits(fence), 'until',
               digits(now_ms + ttl))
    return {'OK', digits(fence), digits(ms), digits(count)}
end

if state[1] ~= gateway or state[2] ~= epoch or fence ~= whole(ARGV[4], 'fence') then
    return {'LOST'}
end
if op == 'save' then
    local ttl = whole(ARGV[5], 'ttl')
    local to_ms, to_count = whole(ARGV[6], 'ms'), whole(ARGV[7], 'count')
    if to_ms > ms or (to_ms == ms and to_count > count) then
        ms, count = to_ms, to_count
    end
    redis.call('HSET', KEYS[1], 'until', digits(now_ms + ttl), 'ms', digits(ms), 'count',
               digits(count))
    return {'OK'}
elseif op == 'trim' then
    local before = math.min(ms, now_ms - whole(ARGV[5], 'margin'))
    if before <= 0 then
        return {'OK', '0'}
    end
    -- Whole nodes and so many at once: a long ledger goes in steps that hold nobody up.
    return {'OK', digits(redis.call('XTRIM', KEYS[2], 'MINID', '~', digits(before), 'LIMIT', '10000'))}
end
bad('operation')
