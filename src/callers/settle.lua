-- Ends a hold, once: whatever is asked again later finds the tombstone and moves no money.
-- The rest of a call with a parent goes back to the parent's sub-budget while that lives, else to the
-- balance; what it charged is added to what stands in the records of those above (`subs`).
-- KEYS  account, hold, deadlines, ledger, with a parent its hold and the root's
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
local function release(fp, par, root, subs)
    redis.call('SET', KEYS[2], record_pack({st = 'X', fp = fp, acct = name, try = try, par = par,
                                            root = root, subs = digits(subs)}), 'EX', KEPT_S)
end

if not hold then
    if mode == 'X' then
        release('', '', '', 0)
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
local subs = counted(hold.subs, 'charged below')
local nested = hold.par ~= ''
local above = nested and record_of(KEYS[5], hold.par)
local lives = above and above.st == 'H' and above.try == hold.ptry
local top = nested and hold.root ~= hold.par and record_of(KEYS[6], hold.root)

account.spent = account.spent + charge
local changed = {'spent', 'held'}
if lives then
    account.held = account.held - charge
    above.sb = digits(whole(above.sb, 'held sub-budget') + back)
    above.kids = digits(counted(above.kids, 'children') - 1)
else
    account.bal = account.bal + back
    account.held = account.held - ceiling - sub
    changed[#changed + 1] = 'bal'
    -- A hold remembers its windows: after midnight its rest does not touch the new ones.
    if account.dN == whole(hold.day, 'held day') then
        account.dU = account.dU - back
        changed[#changed + 1] = 'dU'
    end
    if account.mN == whole(hold.mon, 'held month') then
        account.mU = account.mU - back
        changed[#changed + 1] = 'mU'
    end
end
if not nested then
    account.inf = account.inf - 1
    changed[#changed + 1] = 'inf'
end

-- A sum below a call is handed up when that call ends; once the parent has ended, it goes to the root.
local function add_below(key, record)
    record.subs = digits(counted(record.subs, 'charged below') + charge + subs)
    redis.call('SET', key, record_pack(record), 'KEEPTTL')
end
if above then
    add_below(KEYS[5], above)
end
if top and not lives then
    add_below(KEYS[6], top)
end
redis.call('ZREM', KEYS[3], inv)

if mode == 'X' then
    account_write(KEYS[1], account, changed)
    release(hold.fp, hold.par, hold.root, subs)
    return {'OK', '0'}
end

account.seq = account.seq + 1
changed[#changed + 1] = 'seq'
account_write(KEYS[1], account, changed)
local id = ledger_add(KEYS[4], name, account, 'chg', inv, -charge, {
    'par', hold.par, 'root', hold.root, 'c', hold.c, 'ov', digits(over), 'o', outcome, 'st', status,
    'cid', hold.cid, 'p', hold.price, 'key', hold.key, 'u', usage, 'w', worker, 'at', hold.at,
    'sub', digits(subs), 'r', note
})
redis.call('SET', KEYS[2], record_pack({
    st = 'S', fp = hold.fp, charge = digits(charge), seq = digits(account.seq), lid = id,
    status = status, acct = name, cid = hold.cid, outcome = outcome,
    par = hold.par, root = hold.root, subs = digits(subs)
}), 'EX', KEPT_S)
return {'OK', digits(charge), digits(account.seq), id}
