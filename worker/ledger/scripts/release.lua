-- Drops a quarantined delivery after it was accepted as an event.
if get(a.key, 'state') == 'quarantined' then
  redis.call('DEL', ev(a.key), P .. 'hist:' .. a.key)
  redis.call('ZREM', P .. 'state:quarantined', a.key)
  unindex(a.key)
end
return 'ok'
