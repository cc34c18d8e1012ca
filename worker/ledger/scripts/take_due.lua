-- Takes what is due; each comes back after the lease, should nobody finish it.
local keys = redis.call('ZRANGEBYSCORE', P .. 'due', '-inf', int(now), 'LIMIT', 0, a.most)
for _, key in ipairs(keys) do set_due(key, now + a.lease) end
return keys
