-- Records a delivery: a new event, or one more fact of a known one.
-- Returns {status, key, reason}.
local function known()
  if exists(a.key) then return a.key end
  for _, pointer in ipairs(a.pointers) do
    local key = redis.call('GET', P .. 'ptr:' .. pointer.name)
    if key and exists(key) then
      local mail = get(key, 'mail_id') or ''
      if mail == '' or a.mail_id == '' or mail == a.mail_id then return key end
    end
  end
end

local function point_to(key)
  for _, pointer in ipairs(a.pointers) do
    redis.call('SET', P .. 'ptr:' .. pointer.name, key, 'PX', int(pointer.lifetime))
  end
end

-- A later delivery tells what the first one left out.
local function fill_in(key)
  for name, value in pairs(a.fields) do
    local stored = get(key, name) or ''
    if stored == '' then write(key, { [name] = value }) end
  end
end

-- Whoever unsubscribes under one of a lead's names has unsubscribed under all of them.
local function add_people(key)
  local people = cjson.decode(get(key, 'people') or '[]')
  local known = {}
  for _, person in ipairs(people) do known[person] = true end
  for _, person in ipairs(cjson.decode(a.fields.people)) do
    if not known[person] then people[#people + 1] = person end
  end
  write(key, { people = cjson.encode(people) })
end

-- Where nothing was sent yet, a new fact has the event decided again.
local function wake(key)
  local state = get(key, 'state')
  if WAKEABLE[state] then
    remember(key, state, state, 'also announced as ' .. a.event_type)
    plan(key, 0)
  end
end

-- The order of the types is kept, since a hash has none.
local function tell(key)
  if redis.call('HSET', ev(key), 'delivery:' .. a.event_type, a.payload) == 1 then
    write(key, { told = (get(key, 'told') or '') .. a.event_type .. '\n' })
  end
end

-- A type that is new, or one that comes again with the words that were missing.
local function is_told_more(key)
  if redis.call('HEXISTS', ev(key), 'delivery:' .. a.event_type) == 0 then return true end
  return a.fields.worded ~= '' and (get(key, 'worded') or '') == ''
end

-- What was said before a suppression was taken back is said no more.
-- Says whether anybody is suppressed who is not only one of a company.
local function heed(key)
  local told_at = a.told_at or (key and number(key, 'received_at')) or now
  local people, in_person = {}, false
  for _, person in ipairs(a.suppress) do
    local lifted = tonumber(redis.call('HGET', P .. 'lifted', person) or '') or 0
    if lifted == 0 or told_at > lifted then
      people[#people + 1] = person
      in_person = in_person or not string.find(person, '^domain:')
    end
  end
  suppress(people, a.event_type)
  return in_person
end

-- An event that was held only for want of words goes on when they come.
local function find_words(key)
  if a.fields.worded ~= '' and get(key, 'state') == 'held' and get(key, 'reason') == 'no_words' then
    step(key, 'waiting', 'words_came')
    plan(key, 0)
  end
end

local key = known()
local heeded = heed(key)
if key then
  if heeded then owe(key, a.deeds) end
  if is_told_more(key) then
    tell(key)
    fill_in(key)
    add_people(key)
    if a.opens then point_to(key) end
    wake(key)
    find_words(key)
  end
  count_up('duplicate ' .. a.event_type)
  return { 'duplicate', key, '' }
end

key = a.key
write(key, a.fields)
write(key, { state = 'received', received_at = int(now), changed_at = int(now) })
tell(key)
unindex(key) -- an expired one of the same name may not have been swept yet
redis.call('ZADD', P .. 'events', int(now), key)
redis.call('ZADD', P .. 'state:received', int(now), key)
count_up('received ' .. a.event_type)
remember(key, '', 'received', a.event_type)
if heeded then owe(key, a.deeds) end
if a.opens then
  point_to(key)
  write(key, { due_at = '0' })
  set_due(key, now + a.lease)
  return { 'queued', key, '' }
end
step(key, 'skipped', a.ignored)
return { 'ignored', key, a.ignored }
