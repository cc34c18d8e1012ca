-- Leaves the API alone for a while; 1 where nobody had said so yet.
local off = tonumber(redis.call('GET', P .. 'hold_off') or '') or 0
if a.milliseconds > 0 and off < now + a.milliseconds then
  redis.call('SET', P .. 'hold_off', int(now + a.milliseconds), 'PX', int(a.milliseconds))
  redis.call('SET', P .. 'hold_why', a.reason .. ' ' .. a.detail, 'PX', int(a.milliseconds))
end
return redis.call('SET', P .. 'told:' .. a.reason, '1', 'NX', 'PX', int(HOUR)) and 1 or 0
