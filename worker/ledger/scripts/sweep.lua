-- Takes what has expired out of the indexes; returns how many.
local gone = redis.call('ZRANGEBYSCORE', P .. 'expiry', '-inf', int(now), 'LIMIT', 0, 1000)
for _, key in ipairs(gone) do
  redis.call('DEL', ev(key), P .. 'hist:' .. key)
  unindex(key)
end
return #gone
