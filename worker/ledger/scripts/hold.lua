-- Has no slot in a bucket for a while.
local key = P .. 'slots:' .. a.bucket
local hold = tonumber(redis.call('HGET', key, 'hold') or '') or 0
hold = math.max(hold, now + a.milliseconds)
redis.call('HSET', key, 'hold', int(hold))
redis.call('PEXPIRE', key, int(math.max(redis.call('PTTL', key), hold - now + a.latest)))
return 'ok'
