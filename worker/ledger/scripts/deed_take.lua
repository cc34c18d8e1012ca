-- Takes the deed that is due for longest, which comes back after the lease.
-- Returns {key, name, tries}, or nothing.
local deeds = P .. 'deeds'
local member = redis.call('ZRANGEBYSCORE', deeds, '-inf', int(now), 'LIMIT', 0, 1)[1]
if not member then return {} end
redis.call('ZADD', deeds, int(now + a.lease), member)
local name, key = string.match(member, '^(%S+) (.*)$')
return { key, name, number(key, 'tries:' .. name) }
