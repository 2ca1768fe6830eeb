-- Mints or revokes an API key.
-- KEYS  account, key, keys of the account
-- ARGV  mint, account, key id, hash, salt, scopes, cids, expires (unix s, 0 never)
--       revoke, account, key id
-- Answers {OK}; NOACCT; EXISTS for mint; NOKEY for revoke; FULL at 1000 keys of one account.

local op, name, id = ARGV[1], word(ARGV[2], 64, 'account'), word(ARGV[3], 64, 'key')
if redis.call('EXISTS', KEYS[1]) == 0 then
    return {'NOACCT'}
end
local now_s = digits(math.floor(now_us() / 1000000))
if op == 'mint' then
    local hash, salt = word(ARGV[4], 64, 'hash'), word(ARGV[5], 64, 'salt')
    local scopes, cids = word(ARGV[6], 64, 'scopes'), word(ARGV[7], 8192, 'cids')
    local expires = digits(whole(ARGV[8], 'expires'))
    if redis.call('EXISTS', KEYS[2]) == 1 then
        return {'EXISTS'}
    elseif redis.call('SCARD', KEYS[3]) >= 1000 then
        return {'FULL'}
    end
    redis.call('HSET', KEYS[2], 'hash', hash, 'salt', salt, 'account', name, 'scopes', scopes, 'cids',
               cids, 'expires', expires, 'revoked', '0', 'made', now_s)
    redis.call('SADD', KEYS[3], id)
elseif op == 'revoke' then
    if redis.call('HGET', KEYS[2], 'account') ~= name then
        return {'NOKEY'}
    end
    if redis.call('HGET', KEYS[2], 'revoked') == '0' then
        redis.call('HSET', KEYS[2], 'revoked', now_s)
    end
else
    bad('operation')
end
return {'OK'}
