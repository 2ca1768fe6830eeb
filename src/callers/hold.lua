-- Puts a call's ceiling aside, if the account may and can: one step, or nothing at all changes.
-- KEYS  account, hold, deadlines
-- ARGV  invocation, try, account, fingerprint, ceiling, sub-budget, ttl ms, gateway:epoch, parent,
--       root, depth, cid, price, API key id
-- Answers {word, available, retry ms, rate limit, rate left, concurrency limit, live}, all as text.
--   OK; VOID this very try was released before it came; LIVE it is running; DONE, MISMATCH;
--   NOACCT SUSPENDED RATE CONC DAY MONTH FUNDS CALLMAX

local inv, try = word(ARGV[1], 64, 'invocation'), word(ARGV[2], 64, 'try')
local name, fp = word(ARGV[3], 64, 'account'), word(ARGV[4], 64, 'fingerprint')
local ceiling, sub = whole(ARGV[5], 'ceiling'), whole(ARGV[6], 'sub-budget')
local ttl_ms = whole(ARGV[7], 'ttl')
local gateway = word(ARGV[8], 96, 'gateway')
local parent, root = word(ARGV[9], 64, 'parent'), word(ARGV[10], 64, 'root')
local depth = whole(ARGV[11], 'depth')
local cid, price = word(ARGV[12], 160, 'cid'), word(ARGV[13], 64, 'price')
local key_id = word(ARGV[14], 64, 'key')
local need = ceiling + sub
if need > MOST then
    bad('ceiling and sub-budget')
end
if ttl_ms < 1 or ttl_ms > 86400000 then
    bad('ttl')
end

local seen = record_read(KEYS[2])
if seen then
    if seen.st == 'X' and seen.try == try then
        return {'VOID'}
    elseif seen.fp ~= fp and not (seen.st == 'X' and seen.fp == '') then
        return {'MISMATCH'}
    elseif seen.st == 'H' then
        return {'LIVE'}
    elseif seen.st == 'S' then
        return {'DONE', seen.charge, seen.status}
    end
end

local account = account_read(KEYS[1])
if not account then
    return {'NOACCT'}
end

local now = now_us()
local tat = math.max(account.tat, now)
-- Further ahead than these limits can have left it, it is of an older, slower limit or of a clock that
-- was set back, and would refuse calls long after they are due: one goes, from there they count on.
if account.rT > 0 and tat > now + account.rB + account.rT then
    tat = now + account.rB
end
local day = math.floor(now / DAY_US)
local month, next_month = month_of(day)
local day_used = account.dN == day and account.dU or 0
local month_used = account.mN == month and account.mU or 0

local function answer(verdict, retry_ms)
    local left = 0
    if account.rT > 0 and tat - now <= account.rB then
        left = math.floor((account.rB - (tat - now)) / account.rT) + 1
    end
    return {verdict, digits(math.max(0, account.bal + account.cred)), digits(retry_ms),
            digits(account.rpm), digits(left), digits(account.conc), digits(account.inf)}
end

if account.st ~= 'A' then
    return answer('SUSPENDED', 0)
end
if account.rT > 0 and tat - now > account.rB then
    return answer('RATE', math.ceil((tat - now - account.rB) / 1000))
end
if account.conc > 0 and account.inf >= account.conc then
    return answer('CONC', 1000)
end
if account.dM > 0 and day_used + need > account.dM then
    return answer('DAY', math.ceil(((day + 1) * DAY_US - now) / 1000))
end
if account.mM > 0 and month_used + need > account.mM then
    return answer('MONTH', math.ceil((next_month * DAY_US - now) / 1000))
end
-- The second bound keeps every sum of the account below 2^53, whatever its credit line.
if need > account.bal + account.cred or account.held + account.spent + need > MOST then
    return answer('FUNDS', 0)
end
if account.maxc > 0 and need > account.maxc then
    return answer('CALLMAX', 0)
end

account.bal = account.bal - need
account.held = account.held + need
account.inf = account.inf + 1
account.dN, account.dU = day, day_used + need
account.mN, account.mU = month, month_used + need
local changed = {'bal', 'held', 'inf', 'dN', 'dU', 'mN', 'mU'}
if account.rT > 0 then
    tat = tat + account.rT
    account.tat = tat
    changed[#changed + 1] = 'tat'
end
account_write(KEYS[1], account, changed)
local now_ms = math.floor(now / 1000)
redis.call('SET', KEYS[2], record_pack({
    st = 'H', fp = fp, c = digits(ceiling), sb = digits(sub), cp = '0', day = digits(day),
    mon = digits(month), dep = digits(depth), gw = gateway, try = try, par = parent, root = root,
    acct = name, cid = cid, price = price, key = key_id, at = digits(now_ms)
}))
redis.call('ZADD', KEYS[3], digits(now_ms + ttl_ms), inv)
return answer('OK', 0)
