-- Makes an account, or changes its limits and state.
-- KEYS  account, accounts of the bucket
-- ARGV  create or edit, account, then names and values: st (A, S), cred, conc, rpm, burst, dM, mM,
--       maxc, subd (the sub-budget of a call that names none); a limit of 0 is none
-- Answers {OK}; EXISTS for create; NOACCT for edit.

local op, name = ARGV[1], word(ARGV[2], 64, 'account')
local allowed = {cred = true, conc = true, rpm = true, burst = true, dM = true, mM = true,
                 maxc = true, subd = true}
if op ~= 'create' and op ~= 'edit' or #ARGV % 2 ~= 0 then
    bad('operation')
end
local account = account_read(KEYS[1])
if op == 'create' and account then
    return {'EXISTS'}
elseif op == 'edit' and not account then
    return {'NOACCT'}
end

local state = account and account.st or 'A'
if not account then
    account = {}
    for _, field in ipairs(ACCOUNT) do
        account[field] = 0
    end
end
for i = 3, #ARGV, 2 do
    local field, value = ARGV[i], ARGV[i + 1]
    if field == 'st' and (value == 'A' or value == 'S') then
        state = value
    elseif allowed[field] then
        account[field] = whole(value, field)
    else
        bad('field')
    end
end
-- GCRA in microseconds: one call each rT, and as many at once as fit into rB. A burst of 0 is a
-- minute's worth.
if account.rpm > 60000000 or account.burst > 60000000 then
    bad('rate')
end
account.rT, account.rB = 0, 0
if account.rpm > 0 then
    account.rT = math.floor(60000000 / account.rpm)
    account.rB = account.rT * ((account.burst > 0 and account.burst or account.rpm) - 1)
end

local fields = {'cred', 'conc', 'rpm', 'burst', 'rT', 'rB', 'dM', 'mM', 'maxc', 'subd'}
if op == 'create' then
    fields = ACCOUNT
    redis.call('SADD', KEYS[2], name)
end
redis.call('HSET', KEYS[1], 'st', state)
account_write(KEYS[1], account, fields)
return {'OK'}
