-- What the server of a bucket says of itself, for an operator; changes nothing.
-- KEYS  any key of the bucket
-- Answers {its time in us, INFO of server, memory, persistence and replication}.

return {digits(now_us()), redis.call('INFO', 'server'), redis.call('INFO', 'memory'),
        redis.call('INFO', 'persistence'), redis.call('INFO', 'replication')}
