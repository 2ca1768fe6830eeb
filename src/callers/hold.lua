-- Puts a call's ceiling and sub-budget aside, if the account may and can: one step, or nothing at
-- all changes. A call with a parent takes them out of the parent's sub-budget, and nothing else of
-- the account moves: no slot, no rate, no window (metering.md 6).
-- KEYS  account, hold, deadlines, with a parent its hold
-- ARGV  invocation, try, account, fingerprint, ceiling, sub-budget or '-' for the account's own,
--       ttl ms, gateway:epoch, parent or '', most depth, most live children, cid, price, API key id,
--       'force' or nothing, with that and a parent the root's invocation
-- `force` is the replay of a hold that was placed before, by a server that lost it (metering.md 5): the
-- call runs or has run, so no limit refuses it, and the balance may fall below zero. Without its
-- parent, or with too little left there, the money is the balance's.
-- Answers {word, available, retry ms, rate limit, rate left, concurrency limit, live, sub-budget},
-- all as text; with a parent `available` is what is left of its sub-budget.
--   OK; VOID this very try was released before it came; LIVE it is running; DONE, MISMATCH;
--   NOACCT SUSPENDED RATE CONC DAY MONTH FUNDS CALLMAX; with a parent NOPARENT DEPTH KIDS SUBFUNDS

local inv, try = word(ARGV[1], 64, 'invocation'), word(ARGV[2], 64, 'try')
local name, fp = word(ARGV[3], 64, 'account'), word(ARGV[4], 64, 'fingerprint')
local ceiling = whole(ARGV[5], 'ceiling')
local sub = ARGV[6] ~= '-' and whole(ARGV[6], 'sub-budget')
local ttl_ms = whole(ARGV[7], 'ttl')
local gateway = word(ARGV[8], 96, 'gateway')
local parent = word(ARGV[9], 64, 'parent')
local depth_most, kids_most = whole(ARGV[10], 'depth'), whole(ARGV[11], 'children')
local cid, price = word(ARGV[12], 160, 'cid'), word(ARGV[13], 64, 'price')
local key_id = word(ARGV[14], 64, 'key')
local force = ARGV[15] == 'force'
if ceiling + (sub or 0) > MOST then
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
local function put_aside(facts)
    local now_ms = math.floor(now / 1000)
    redis.call('SET', KEYS[2], record_pack({
        st = 'H', fp = fp, c = digits(ceiling), sb = digits(sub), cp = '0', day = facts.day,
        mon = facts.mon, dep = facts.dep, gw = gateway, try = try, par = parent, root = facts.root,
        acct = name, cid = cid, price = price, key = facts.key, at = digits(now_ms),
        ptry = facts.ptry, kids = '0', subs = '0'
    }))
    redis.call('ZADD', KEYS[3], digits(now_ms + ttl_ms), inv)
end

if parent ~= '' then
    local above = record_of(KEYS[4], parent)
    sub = sub or 0
    if not above or above.st ~= 'H' or above.acct ~= name then
        if not force then
            return {'NOPARENT'}
        end
        account.bal, account.held = account.bal - ceiling - sub, account.held + ceiling + sub
        account_write(KEYS[1], account, {'bal', 'held'})
        put_aside({day = '1', mon = '1', dep = '1', -- windows of none
                   root = word(ARGV[16], 64, 'root'), key = key_id,
                   ptry = ''})
        return {'OK', '0', '0', '0', '0', '0', '0', digits(sub)}
    end
    local left, kids = whole(above.sb, 'held sub-budget'), counted(above.kids, 'children')
    local depth = whole(above.dep, 'held depth') + 1
    local function answer(verdict, retry_ms)
        return {verdict, digits(left), digits(retry_ms), '0', '0', '0', '0', digits(sub)}
    end
    local missing = math.max(0, ceiling + sub - left)
    if force then
        if missing > 0 then
            account.bal, account.held = account.bal - missing, account.held + missing
            account_write(KEYS[1], account, {'bal', 'held'})
        end
    elseif account.st ~= 'A' then
        return answer('SUSPENDED', 0)
    elseif depth > depth_most then
        return answer('DEPTH', 0)
    elseif kids >= kids_most then
        return answer('KIDS', 1000)
    elseif missing > 0 then
        return answer('SUBFUNDS', 0)
    end
    left = left + missing - ceiling - sub
    above.sb, above.kids = digits(left), digits(kids + 1)
    redis.call('SET', KEYS[4], record_pack(above))
    -- Its money was counted in the windows of its parent, and is taken out of those.
    put_aside({day = above.day, mon = above.mon, dep = digits(depth), root = above.root,
               key = above.key, ptry = above.try})
    return answer('OK', 0)
end

sub = sub or account.subd
local need = ceiling + sub
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
            digits(account.rpm), digits(left), digits(account.conc), digits(account.inf),
            digits(sub)}
end

local function refusal()
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
    if need > MOST or need > account.bal + account.cred or account.held + account.spent + need > MOST then
        return answer('FUNDS', 0)
    end
    if account.maxc > 0 and need > account.maxc then
        return answer('CALLMAX', 0)
    end
    return nil
end
local refused = not force and refusal()
if refused then
    return refused
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
put_aside({day = digits(day), mon = digits(month), dep = '0', root = inv, key = key_id, ptry = ''})
return answer('OK', 0)
