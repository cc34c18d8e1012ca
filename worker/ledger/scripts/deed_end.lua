-- Takes a deed off for good; what is said goes into the event's history.
if redis.call('ZREM', P .. 'deeds', a.name .. ' ' .. a.key) == 0 then return 'gone' end
if a.outcome ~= 'left_out' then
  local kind = string.match(a.name, '^[^:]*')
  redis.call('HINCRBY', P .. 'stats', 'write_back ' .. kind .. '_' .. a.outcome, 1)
end
if exists(a.key) then
  redis.call('HSET', ev(a.key), 'deed:' .. a.name, a.outcome)
  local state = get(a.key, 'state')
  if a.said ~= '' then remember(a.key, state, state, a.said) end
end
return 'ok'
