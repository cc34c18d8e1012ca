-- Adds e-mails: a page of the list of all of them (`a.start`), or what came another way.
local lifetime = int(a.retention + a.look_back)

local function keep(mail)
  local key, field = thread_key(mail.thread), 'mail:' .. mail.id
  bytes(#mail.content - #(redis.call('HGET', key, field) or ''))
  redis.call('HSET', key, field, mail.content)
  redis.call('PEXPIRE', key, lifetime)
  if redis.call('HSET', M .. 'of', mail.id, mail.thread) == 1 and mail.reply then
    redis.call('ZADD', REPLIES, 'NX', int(now), mail.id)
  end
  redis.call('ZADD', M .. 'threads', int(now), mail.thread)
  if a.start and mail.created > 0 then
    redis.call('ZADD', M .. 'newest', int(mail.created), mail.id)
    redis.call('HSET', META, 'newest', int(math.max(time('newest'), mail.created)))
  end
end

-- Whole conversations go, those first in which nothing has happened for longest: half of
-- one would look like all of it.
local function make_room()
  for _ = 1, 200 do
    local thread, at = unpack(redis.call('ZRANGE', M .. 'threads', 0, 0, 'WITHSCORES'))
    if not thread then return end
    if tonumber(at) > now - a.retention and time('bytes') <= a.most_bytes then return end
    drop(thread)
  end
end

if a.start and a.start.era ~= time('era') then return 'late' end
for _, mail in ipairs(a.mails) do keep(mail) end
if a.thread ~= '' then redis.call('HSET', thread_key(a.thread), 'whole', '1') end
redis.call('ZREMRANGEBYRANK', M .. 'newest', 0, -a.overlap_mails - 1)
make_room()
for _, name in ipairs({ 'of', 'threads', 'newest' }) do redis.call('PEXPIRE', M .. name, lifetime) end
if a.start then
  local page = a.page
  redis.call('HSET', META, 'touched', int(now), 'since', int(a.start.since),
    'cursor', page.cursor, 'full', int(page.full), 'short', int(page.short))
  if page.cursor == '' and a.start.at > time('as_of') then
    redis.call('HSET', META, 'as_of', int(a.start.at), 'filled', int(now))
  end
end
return 'ok'
