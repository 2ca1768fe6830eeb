-- What every script begins with: strict numbers and words, Redis' own time, the windows of day and
-- month, and the two records. The fields of a record are named here and nowhere else; a later
-- field goes to the end, and a record written before it reads as ''.

local MOST = 9007199254740991 -- 2^53 - 1: Lua counts in doubles
local KEPT_S = '600'          -- how long a tombstone answers for its invocation

local HOLD = {'st', 'fp', 'c', 'sb', 'cp', 'day', 'mon', 'dep', 'gw', 'try', 'par', 'root', 'acct',
              'cid', 'price', 'key', 'at', 'ptry', 'kids', 'subs'}
local SETTLED = {'st', 'fp', 'charge', 'seq', 'lid', 'status', 'acct', 'cid', 'outcome', 'par',
                 'root', 'subs'}
local RELEASED = {'st', 'fp', 'acct', 'try', 'par', 'root', 'subs'}
local RECORDS = {H = HOLD, S = SETTLED, X = RELEASED}

local ACCOUNT = {'bal', 'held', 'spent', 'tup', 'seq', 'inf', 'cred', 'conc', 'rpm', 'burst', 'rT',
                 'rB', 'tat', 'dN', 'dU', 'dM', 'mN', 'mU', 'mM', 'maxc', 'subd'}

local function bad(what)
    error({err = 'BADARG ' .. what})
end

-- An argument that is a whole number. tonumber() alone takes '0x10', ' 12 ', '1e3' and 'nan'.
local function whole(value, what)
    if type(value) ~= 'string' or #value > 16 or not string.find(value, '^%d+$') then
        bad(what)
    end
    local number = tonumber(value)
    if number > MOST then
        bad(what)
    end
    return number
end

-- An argument that stands in records and the ledger as it is: nothing that parts fields.
local function word(value, most, what)
    if type(value) ~= 'string' or #value > most or string.find(value, '[^%w%._:@+/=,;~-]') then
        bad(what)
    end
    return value
end

-- '..' and tostring() write 1.2345678901234e+14 from fifteen digits on.
local function digits(number)
    return string.format('%d', number)
end

-- A number of a record, which one written before it had that field does not hold.
local function counted(value, what)
    return value == '' and 0 or whole(value, what)
end

-- A number an account's hash holds; what is not there is 0.
local function stored(value)
    if not value then
        return 0
    end
    if #value > 17 or not string.find(value, '^-?%d+$') then
        error({err = 'BADSTATE an account holds ' .. value})
    end
    return tonumber(value)
end

-- The account as numbers, and `st`; nil when there is none.
local function account_read(key)
    local values = redis.call('HMGET', key, 'st', unpack(ACCOUNT))
    if not values[1] then
        return nil
    end
    local account = {st = values[1]}
    for i, name in ipairs(ACCOUNT) do
        account[name] = stored(values[i + 1])
    end
    return account
end

local function account_write(key, account, names)
    local pairs_out = {}
    for _, name in ipairs(names) do
        pairs_out[#pairs_out + 1] = name
        pairs_out[#pairs_out + 1] = digits(account[name])
    end
    redis.call('HSET', key, unpack(pairs_out))
end

-- The record under `key`, its fields as text; nil when there is none.
local function record_read(key)
    local packed = redis.call('GET', key)
    if not packed then
        return nil
    end
    local parts = {}
    for part in string.gmatch(packed .. '|', '([^|]*)|') do
        parts[#parts + 1] = part
    end
    local names = RECORDS[parts[1]]
    if not names then
        error({err = 'BADSTATE a record of no known kind'})
    end
    local record = {}
    for i, name in ipairs(names) do
        record[name] = parts[i] or ''
    end
    return record
end

local function record_pack(record)
    local parts = {}
    for i, name in ipairs(RECORDS[record.st]) do
        parts[i] = record[name]
    end
    return table.concat(parts, '|')
end

-- The record under `key`, which must be that of the invocation `inv`: the keys a script touches are
-- declared, so a gateway that names another's than the record does is mistaken.
local function record_of(key, inv)
    if not key or string.sub(key, -#inv - 3) ~= ':h:' .. inv then
        bad('key of ' .. inv)
    end
    return record_read(key)
end

-- Microseconds since 1970, by Redis' clock: gateways' clocks decide nothing.
local function now_us()
    local time = redis.call('TIME')
    return tonumber(time[1]) * 1000000 + tonumber(time[2])
end

local DAY_US = 86400000000
local MONTH_STARTS = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365}

local function year_start(year) -- in days since 1970
    local past = year - 1
    return 365 * (year - 1970) + math.floor(past / 4) - math.floor(past / 100) +
               math.floor(past / 400) - 477
end

-- The civil month (UTC) a day is in, as year * 12 + month - 1, and the day the next one begins.
local function month_of(day)
    local year = 1970 + math.floor(day / 366)
    while year_start(year + 1) <= day do
        year = year + 1
    end
    local first = year_start(year)
    local leap = year_start(year + 1) - first - 365
    local month = 1
    while first + MONTH_STARTS[month + 1] + (month >= 2 and leap or 0) <= day do
        month = month + 1
    end
    return year * 12 + month - 1, first + MONTH_STARTS[month + 1] + (month >= 2 and leap or 0)
end

-- One line of the ledger; `seq` has been counted on already. Answers its stream id.
local function ledger_add(key, name, account, kind, id, value, more)
    return redis.call('XADD', key, '*', 'a', name, 's', digits(account.seq), 'k', kind, 'i', id,
                      'v', digits(value), 'b', digits(account.bal), 'h', digits(account.held),
                      unpack(more))
end
