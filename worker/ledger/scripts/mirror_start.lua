-- Returns {now, created after, cursor, era, full, short}: where to go on reading the list.
if time('touched') < now - a.look_back then
  redis.call('HINCRBY', META, 'era', 1)
  redis.call('HDEL', META, 'cursor', 'since', 'newest', 'as_of', 'filled', 'bytes')
  redis.call('HSET', META, 'began', int(now - a.look_back), 'touched', int(now))
  M = META .. ':' .. meta('era') .. ':'
end
local cursor, since = meta('cursor') or '', time('since')
if cursor == '' then
  local newest = time('newest')
  since = time('began')
  if newest > 0 then
    local oldest = redis.call('ZRANGE', M .. 'newest', 0, 0, 'WITHSCORES')[2]
    since = math.max(tonumber(oldest or '') or 0, newest - a.overlap) - 1000
  end
end
return { now, int(since), cursor, time('era'), time('full'), cursor ~= '' and time('short') or 0 }
