-- Erases what is known of people: events, their words and drafts. That a mail was answered and
-- who asked us to stop is kept, hashed. An event whose request is out stays until it is settled.
-- Returns {erased, kept}.
local erased, kept = 0, 0
for _, person in ipairs(a.people) do
  for _, key in ipairs(redis.call('ZRANGE', P .. 'by:person:' .. person, 0, -1)) do
    local state = get(key, 'state')
    if state and AT_RISK[state] then
      kept = kept + 1
    else
      if state then
        redis.call('ZREM', P .. 'state:' .. state, key)
        redis.call('ZREM', P .. 'due', key)
        let_go(key)
        erased = erased + 1
      end
      redis.call('DEL', ev(key), P .. 'hist:' .. key)
      unindex(key)
    end
  end
end
return { erased, kept }
