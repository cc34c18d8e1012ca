-- Takes a chore that is due and that nobody has; returns its token, or 0.
local key = P .. 'chore:' .. a.name
local at, held = unpack(redis.call('HMGET', key, 'at', 'until'))
at = tonumber(at or '') or (a.every and 0)
if not at or at > now or (tonumber(held or '') or 0) > now then return 0 end
redis.call('HSET', key, 'at', int(at), 'until', int(now + a.lease)) -- due again after a crash
redis.call('HDEL', key, 'asked')
return redis.call('HINCRBY', key, 'token', 1)
