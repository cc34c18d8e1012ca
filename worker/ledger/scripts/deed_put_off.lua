-- Has a deed come back after a while.
local member = a.name .. ' ' .. a.key
if not redis.call('ZSCORE', P .. 'deeds', member) then return 'gone' end
redis.call('ZADD', P .. 'deeds', int(now + a.wait), member)
if exists(a.key) then redis.call('HSET', ev(a.key), 'tries:' .. a.name, int(a.tries)) end
return 'ok'
