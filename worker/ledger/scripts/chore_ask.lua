-- Has a chore done as soon as it may; returns in how many milliseconds that is.
local key = P .. 'chore:' .. a.name
local at, held, not_before = unpack(redis.call('HMGET', key, 'at', 'until', 'not_before'))
if (tonumber(held or '') or 0) > now then
  redis.call('HSET', key, 'asked', 1)
  return 0
end
local soon = math.max(now, tonumber(not_before or '') or 0)
at = math.min(soon, tonumber(at or '') or soon)
redis.call('HSET', key, 'at', int(at))
return math.max(at - now, 0)
