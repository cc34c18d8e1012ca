-- Stands before every script of the ledger, after `_base.lua`.
local LEGAL = cjson.decode('@LEGAL@')
local FINAL = cjson.decode('@FINAL@')
local RESTING = cjson.decode('@RESTING@')
local WAKEABLE = cjson.decode('@WAKEABLE@')
local AT_RISK = cjson.decode('@AT_RISK@')

local function ev(key) return P .. 'ev:' .. key end
local function conv(id) return P .. 'conv:' .. id end
local function get(key, field) return redis.call('HGET', ev(key), field) end
local function number(key, field) return tonumber(get(key, field) or '') or 0 end
local function exists(key) return redis.call('EXISTS', ev(key)) == 1 end
local function set_due(key, at) redis.call('ZADD', P .. 'due', int(at), key) end

local function plan(key, at)
  redis.call('HSET', ev(key), 'due_at', at and int(at) or '')
  if at then set_due(key, math.max(at, now)) else redis.call('ZREM', P .. 'due', key) end
end

-- Counts since the ledger began, and by the hour for as long as anybody looks at a chart.
local HOUR_IN_MS, HOURS_KEPT_MS = 3600000, 35 * 86400000
local function count_up(what)
  local hour = P .. 'hour:' .. int(math.floor(now / HOUR_IN_MS))
  redis.call('HINCRBY', P .. 'stats', what, 1)
  redis.call('HINCRBY', hour, what, 1)
  redis.call('PEXPIRE', hour, int(HOURS_KEPT_MS))
end

local function remember(key, before, after, reason, by)
  redis.call('RPUSH', P .. 'hist:' .. key, cjson.encode({
    at = now, before = before, after = after, reason = reason or '', by = by or '' }))
  redis.call('LTRIM', P .. 'hist:' .. key, -200, -1)
end

-- Every row that a script changes; the epilogue brings its lists up to date.
local changed = {}
local function write(key, fields)
  for name, value in pairs(fields or {}) do redis.call('HSET', ev(key), name, value) end
  changed[key] = true
end

-- Keeps content for the retention time once nothing more happens by itself.
local function set_lifetime(key, state)
  if FINAL[state] then
    redis.call('ZADD', P .. 'expiry', int(now + a.retention), key)
    redis.call('PEXPIRE', ev(key), int(a.retention))
    redis.call('PEXPIRE', P .. 'hist:' .. key, int(a.retention))
  else
    redis.call('ZREM', P .. 'expiry', key)
    redis.call('PERSIST', ev(key))
    redis.call('PERSIST', P .. 'hist:' .. key)
  end
end

local function lists_of(key)
  local lists = {}
  for _, field in ipairs({ 'campaign_id', 'reason', 'template' }) do
    local value = get(key, field) or ''
    if value ~= '' then lists[#lists + 1] = field .. ':' .. value end
  end
  for _, person in ipairs(cjson.decode(get(key, 'people') or '[]')) do
    lists[#lists + 1] = 'person:' .. person
  end
  return lists
end

-- Keeps an event in the lists by which people search, as its row has them now.
local function list(key)
  local new = lists_of(key)
  local stored = #new > 0 and cjson.encode(new) or '[]'
  local old = redis.call('HGET', P .. 'listed', key) or '[]'
  if stored == old then return end
  for _, name in ipairs(cjson.decode(old)) do redis.call('ZREM', P .. 'by:' .. name, key) end
  for _, name in ipairs(new) do
    redis.call('ZADD', P .. 'by:' .. name, int(number(key, 'received_at')), key)
  end
  redis.call('HSET', P .. 'listed', key, stored)
end

local function unindex(key)
  for _, name in ipairs(cjson.decode(redis.call('HGET', P .. 'listed', key) or '[]')) do
    redis.call('ZREM', P .. 'by:' .. name, key)
  end
  redis.call('HDEL', P .. 'listed', key)
  redis.call('ZREM', P .. 'events', key)
  redis.call('ZREM', P .. 'expiry', key)
  for state in pairs(FINAL) do redis.call('ZREM', P .. 'state:' .. state, key) end
  changed[key] = nil
end

-- Events that wait for something (a conversation, a pause) come back when it ends.
local function park(key, name) redis.call('SADD', P .. 'parked:' .. name, key) end
local function unpark(name)
  local woken = 0
  for _, key in ipairs(redis.call('SMEMBERS', P .. 'parked:' .. name)) do
    if WAKEABLE[get(key, 'state')] then
      plan(key, 0)
      woken = woken + 1
    end
  end
  redis.call('DEL', P .. 'parked:' .. name)
  return woken
end

-- The only place where a state changes. Refuses what the table of steps does not have.
local function step(key, after, reason, by)
  local before = get(key, 'state')
  if not (LEGAL[before] and LEGAL[before][after]) then
    return redis.error_reply('ILLEGAL ' .. tostring(before) .. ' to ' .. after)
  end
  if before ~= after or get(key, 'reason') ~= reason then
    remember(key, before, after, reason, by)
  end
  write(key, { state = after, reason = reason, changed_at = int(now) })
  local received = number(key, 'received_at')
  redis.call('ZREM', P .. 'state:' .. before, key)
  redis.call('ZADD', P .. 'state:' .. after, int(received), key)
  if before ~= after then
    count_up(after .. ' ' .. reason)
    set_lifetime(key, after)
  end
  local c = get(key, 'conversation')
  if AT_RISK[after] then
    redis.call('HSET', conv(c), 'open', key)
    redis.call('PERSIST', conv(c))
    if after == 'doubt' and before ~= 'doubt' then
      redis.call('HSET', conv(c), 'doubted', int(now))
    end
  elseif redis.call('HGET', conv(c), 'open') == key then
    redis.call('HDEL', conv(c), 'open')
  end
  return nil
end

-- Gives the conversation back and wakes whoever waits for it.
local function let_go(key)
  local c = get(key, 'conversation')
  if redis.call('HGET', conv(c), 'holder') == key then
    redis.call('HDEL', conv(c), 'holder', 'until')
  end
  unpark('conv:' .. c)
end

local function lease_left(key)
  local c = get(key, 'conversation')
  if redis.call('HGET', conv(c), 'holder') ~= key then return 0 end
  return (tonumber(redis.call('HGET', conv(c), 'until') or '') or 0) - now
end

-- A client may run the same call twice: the second time it is done already.
local function done_already(key) return get(key, 'op') == a.op end
local function mark_done(key) redis.call('HSET', ev(key), 'op', a.op) end

-- Who answers a mail is a record, not a key: the same mail told again after its record
-- expired is a new record of the same key.
local function as_owner(key) return key .. ' ' .. (get(key, 'received_at') or '') end

local function is_suppressed(people)
  for _, person in ipairs(people) do
    if redis.call('HEXISTS', P .. 'suppressed', person) == 1 then return true end
  end
  return false
end

local function suppress(people, reason)
  for _, person in ipairs(people) do
    redis.call('HSETNX', P .. 'suppressed', person, int(now) .. ' ' .. reason)
  end
end

-- What is to be done at the provider's side: each thing once for an event.
local function owe(key, deeds)
  for _, name in ipairs(deeds or {}) do
    if exists(key) and redis.call('HSETNX', ev(key), 'deed:' .. name, 'owed') == 1 then
      redis.call('ZADD', P .. 'deeds', int(now), name .. ' ' .. key)
    end
  end
end

local function pause_over(key)
  if redis.call('HEXISTS', P .. 'paused', '*') == 1 then return '*' end
  local campaign = get(key, 'campaign_id') or ''
  if campaign ~= '' and redis.call('HEXISTS', P .. 'paused', campaign) == 1 then
    return campaign
  end
  return ''
end

-- Automatic answers that went out, this event's own aside: to this thread, today to the
-- lead, this hour from the mailbox, and each template's.
local DAY, HOUR = 86400000, 3600000
local function others(set, since, key)
  local found = {}
  local flat = redis.call('ZRANGEBYSCORE', set, since, '+inf', 'WITHSCORES')
  for i = 1, #flat, 2 do
    local owner, template = string.match(flat[i], '^(.*)|([^|]*)$')
    if owner ~= key then
      found[#found + 1] = { owner = owner, template = template, at = tonumber(flat[i + 1]) }
    end
  end
  return found
end
local function sends_of(key) return P .. 'sends:' .. get(key, 'conversation') end
-- The ids of the mails that went out, and which inbound mail each of them answers.
local function answers_of(key) return P .. 'answers:' .. get(key, 'conversation') end
local function mailbox_of(key, mailbox)
  return P .. 'mailbox:' .. (mailbox or get(key, 'mailbox') or '')
end
local function tally(key, mailbox)
  local per_template, day = {}, 0
  local all = others(sends_of(key), '-inf', key)
  for _, sent in ipairs(all) do
    per_template[sent.template] = (per_template[sent.template] or 0) + 1
    if sent.at >= now - DAY then day = day + 1 end
  end
  return {
    thread = #all,
    day = day,
    hour = #others(mailbox_of(key, mailbox), int(now - HOUR), key),
    templates = per_template,
  }
end
-- Each answer that went out in the conversation: template, when, and whether by itself.
local function sent_in(key)
  local told = {}
  for _, sent in ipairs(others(sends_of(key), '-inf', key)) do
    local by_itself = (get(sent.owner, 'approved_by') or '') == ''
    told[#told + 1] = { sent.template, sent.at, by_itself }
  end
  return told
end
local function forget_send(key)
  local member = key .. '|' .. (get(key, 'template') or '')
  redis.call('ZREM', sends_of(key), member)
  redis.call('ZREM', mailbox_of(key), member)
end
