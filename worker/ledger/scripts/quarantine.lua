-- Keeps a delivery that cannot be used, with its raw body.
if not exists(a.key) then
  write(a.key, a.fields)
  write(a.key, { state = 'quarantined', received_at = int(now), changed_at = int(now) })
  redis.call('ZADD', P .. 'events', int(now), a.key)
  redis.call('ZADD', P .. 'state:quarantined', int(now), a.key)
  count_up('quarantined ' .. a.reason)
  remember(a.key, '', 'quarantined', a.reason)
end
return a.key
