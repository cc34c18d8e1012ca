-- The kill switch, on or off. Returns how many events that wakes.
if a.on then
  redis.call('HSET', P .. 'paused', a.scope, int(now))
  return 0
end
redis.call('HDEL', P .. 'paused', a.scope)
return unpark('pause:' .. a.scope)
