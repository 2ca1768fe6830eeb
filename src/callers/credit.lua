-- Adds money to an account or takes some, once for each reference.
-- KEYS  account, reference, ledger
-- ARGV  account, '+' or '-', micro-credits, reference, note
-- Answers {OK, balance, seq}; {DUP, balance, seq} for the same again; MISMATCH for another amount
-- under a reference that stands; NOACCT; FUNDS more taken than there is; RANGE above 2^53 - 1.

local name, sign = word(ARGV[1], 64, 'account'), ARGV[2]
local amount = whole(ARGV[3], 'amount')
local reference = word(ARGV[4], 128, 'reference')
local note = ARGV[5]
if sign ~= '+' and sign ~= '-' then
    bad('sign')
end
if amount == 0 then
    bad('amount')
end
if type(note) ~= 'string' or #note > 256 then
    bad('note')
end
if sign == '-' then
    amount = -amount
end

local account = account_read(KEYS[1])
if not account then
    return {'NOACCT'}
end
local before = redis.call('GET', KEYS[2])
if before then
    local amount_before, seq_before = string.match(before, '^(-?%d+)|(%d+)$')
    if amount_before ~= digits(amount) then
        return {'MISMATCH'}
    end
    return {'DUP', digits(account.bal), seq_before}
end
if account.tup + amount > MOST or account.tup + amount < -MOST then
    return {'RANGE'}
end
if amount < 0 and account.bal + account.cred + amount < 0 then
    return {'FUNDS', digits(account.bal)}
end

account.bal = account.bal + amount
account.tup = account.tup + amount
account.seq = account.seq + 1
account_write(KEYS[1], account, {'bal', 'tup', 'seq'})
ledger_add(KEYS[3], name, account, amount > 0 and 'top' or 'adj', reference, amount, {'n', note})
redis.call('SET', KEYS[2], digits(amount) .. '|' .. digits(account.seq))
return {'OK', digits(account.bal), digits(account.seq)}
