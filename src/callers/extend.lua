-- Puts more aside for a running call, from where its hold came: the balance, or the parent's sub-budget.
-- KEYS  account, hold, with a parent its hold
-- ARGV  invocation, try, account, amount
-- Answers OK; NOHOLD it is over; SUSPENDED, DAY, MONTH, FUNDS, CALLMAX, SUBFUNDS: nothing changed.
-- A hold whose day (month) has ended moves into the running one with what is not spent yet: what stands
-- at its last checkpoint stays where it was spent.

local inv, try = word(ARGV[1], 64, 'invocation'), word(ARGV[2], 64, 'try')
local name, amount = word(ARGV[3], 64, 'account'), whole(ARGV[4], 'amount')

local hold = record_of(KEYS[2], inv)
if not hold or hold.st ~= 'H' or hold.try ~= try then
    return {'NOHOLD'}
elseif hold.acct ~= name then
    bad('account')
end
local account = account_read(KEYS[1])
if not account then
    error({err = 'BADSTATE a hold without its account'})
end
local ceiling, sub = whole(hold.c, 'held ceiling'), whole(hold.sb, 'held sub-budget')
if account.st ~= 'A' then
    return {'SUSPENDED'}
end
if ceiling + sub + amount > MOST then
    return {'FUNDS'}
end

if hold.par ~= '' then
    local above = record_of(KEYS[3], hold.par)
    if not above or above.st ~= 'H' or above.try ~= hold.ptry then
        return {'SUBFUNDS'}
    end
    local left = whole(above.sb, 'held sub-budget')
    if amount > left then
        return {'SUBFUNDS'}
    end
    above.sb = digits(left - amount)
    redis.call('SET', KEYS[3], record_pack(above))
    hold.c = digits(ceiling + amount)
    redis.call('SET', KEYS[2], record_pack(hold))
    return {'OK'}
end

local day = math.floor(now_us() / DAY_US)
local month = month_of(day)
local unspent = ceiling + sub - whole(hold.cp, 'checkpoint')
local day_more = whole(hold.day, 'held day') == day and amount or unspent + amount
local month_more = whole(hold.mon, 'held month') == month and amount or unspent + amount
local day_used = (account.dN == day and account.dU or 0) + day_more
local month_used = (account.mN == month and account.mU or 0) + month_more
if account.dM > 0 and day_used > account.dM then
    return {'DAY'}
end
if account.mM > 0 and month_used > account.mM then
    return {'MONTH'}
end
if amount > account.bal + account.cred or account.held + account.spent + amount > MOST then
    return {'FUNDS'}
end
if account.maxc > 0 and ceiling + sub + amount > account.maxc then
    return {'CALLMAX'}
end
account.bal = account.bal - amount
account.held = account.held + amount
account.dN, account.dU = day, day_used
account.mN, account.mU = month, month_used
account_write(KEYS[1], account, {'bal', 'held', 'dN', 'dU', 'mN', 'mU'})
hold.c, hold.day, hold.mon = digits(ceiling + amount), digits(day), digits(month)
redis.call('SET', KEYS[2], record_pack(hold))
return {'OK'}
