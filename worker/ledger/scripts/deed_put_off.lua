-- Has a deed come back after a while.
local member = a.name .. ' ' .. a.key
if not redis.call('ZSCORE', P .. 'deeds', member) then return 'gone' end
redis.call('ZADD', P .. 'deeds', int(now + a.wait), member)
if a.counts and exists(a.key) then redis.call('HINCRBY', ev(a.key), 'tries:' .. a.name, 1) end
return 'ok'
