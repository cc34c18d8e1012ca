-- Gives a chore back and plans its next run; a token of the past changes nothing.
local key = P .. 'chore:' .. a.name
local token, asked = unpack(redis.call('HMGET', key, 'token', 'asked'))
if tonumber(token or '') ~= a.token or redis.call('HDEL', key, 'until') == 0 then return 'lost' end
if a.asked and asked then
  redis.call('HSET', key, 'at', int(now))
elseif a.pause then
  redis.call('HSET', key, 'at', int(now + a.pause))
else
  redis.call('HDEL', key, 'at')
end
if a.asked then
  redis.call('HDEL', key, 'not_before')
else
  redis.call('HSET', key, 'not_before', int(now + a.pause))
end
return 'ok'
