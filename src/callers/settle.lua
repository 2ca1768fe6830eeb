-- Ends a hold, once: whatever is asked again later finds the tombstone and moves no money.
-- KEYS  account, hold, deadlines, ledger
-- ARGV  mode, invocation, account, then by mode
--   S   try, cost, over, outcome, status, usage, worker, note    charges the cost, at most the ceiling
--   X   try                                                charges nothing: the call never ran
--   R   gateway:epoch or '', grace ms                      reaps: charges the last checkpoint, if
--       the hold is that dead run's, or overdue by the grace
-- Answers {OK, charge, seq, ledger id}; {DUP, charge, seq} when it was settled before; {NOHOLD} when
-- there is none (X then leaves a mark, so that this try cannot land later); {LIVE} for R.

local mode = ARGV[1]
local inv, name = word(ARGV[2], 64, 'invocation'), word(ARGV[3], 64, 'account')
local try, gateway, grace_ms, cost, over = '', '', 0, 0, 0
local outcome, status, usage, worker, note = 'orphan', '0', '', '', ''
if mode == 'S' then
    try, cost, over = word(ARGV[4], 64, 'try'), whole(ARGV[5], 'cost'), whole(ARGV[6], 'over')
    outcome, status = word(ARGV[7], 64, 'outcome'), digits(whole(ARGV[8], 'status'))
    usage, worker = word(ARGV[9], 512, 'usage'), word(ARGV[10], 64, 'worker')
    note = word(ARGV[11] or '', 640, 'note')
elseif mode == 'X' then
    try = word(ARGV[4], 64, 'try')
elseif mode == 'R' then
    gateway, grace_ms = word(ARGV[4], 96, 'gateway'), whole(ARGV[5], 'grace')
else
    bad('mode')
end

local hold = record_read(KEYS[2])
local function release(fp)
    redis.call('SET', KEYS[2], record_pack({st = 'X', fp = fp, acct = name, try = try}), 'EX',
               KEPT_S)
end

if not hold then
    if mode == 'X' then
        release('')
    end
    return {'NOHOLD'}
elseif hold.acct ~= name then
    bad('account')
elseif hold.st == 'S' then
    return {'DUP', hold.charge, hold.seq}
elseif hold.st == 'X' or (mode ~= 'R' and hold.try ~= try) then
    return {'NOHOLD'}
end

if mode == 'R' then
    if gateway ~= '' then
        if hold.gw ~= gateway then
            return {'LIVE'}
        end
    else
        -- A checkpoint may have moved the deadline since the reaper looked.
        local deadline = tonumber(redis.call('ZSCORE', KEYS[3], inv) or '0')
        if now_us() / 1000 < deadline + grace_ms then
            return {'LIVE'}
        end
    end
    cost = whole(hold.cp, 'checkpoint')
end

local account = account_read(KEYS[1])
if not account then
    error({err = 'BADSTATE a hold without its account'})
end
local ceiling, sub = whole(hold.c, 'held ceiling'), whole(hold.sb, 'held sub-budget')
local charge = math.min(cost, ceiling)
over = math.min(MOST, over + (cost - charge))
local back = ceiling + sub - charge

account.bal = account.bal + back
account.held = account.held - ceiling - sub
account.spent = account.spent + charge
account.inf = account.inf - 1
local changed = {'bal', 'held', 'spent', 'inf'}
-- A hold remembers its windows: after midnight its rest does not touch the new ones.
if account.dN == whole(hold.day, 'held day') then
    account.dU = account.dU - back
    changed[#changed + 1] = 'dU'
end
if account.mN == whole(hold.mon, 'held month') then
    account.mU = account.mU - back
    changed[#changed + 1] = 'mU'
end
redis.call('ZREM', KEYS[3], inv)

if mode == 'X' then
    account_write(KEYS[1], account, changed)
    release(hold.fp)
    return {'OK', '0'}
end

account.seq = account.seq + 1
changed[#changed + 1] = 'seq'
account_write(KEYS[1], account, changed)
local id = ledger_add(KEYS[4], name, account, 'chg', inv, -charge, {
    'par', hold.par, 'root', hold.root, 'c', hold.c, 'ov', digits(over), 'o', outcome, 'st', status,
    'cid', hold.cid, 'p', hold.price, 'key', hold.key, 'u', usage, 'w', worker, 'at', hold.at,
    'r', note
})
redis.call('SET', KEYS[2], record_pack({
    st = 'S', fp = hold.fp, charge = digits(charge), seq = digits(account.seq), lid = id,
    status = status, acct = name, cid = hold.cid, outcome = outcome
}), 'EX', KEPT_S)
return {'OK', digits(charge), digits(account.seq), id}
