-- Returns {now, as_of, filled, off, thread, whole, wrote, full, contents}: an e-mail's conversation.
local thread = redis.call('HGET', M .. 'of', a.mail_id) or ''
local contents, told = {}, {}
if thread ~= '' then
  local found = redis.call('HGETALL', thread_key(thread))
  for i = 1, #found, 2 do
    if string.sub(found[i], 1, 5) == 'mail:' then contents[#contents + 1] = found[i + 1]
    else told[found[i]] = found[i + 1] end
  end
end
return {
  now, time('as_of'), time('filled'), time('off') > now and 1 or 0, thread,
  told.whole and 1 or 0, tonumber(told.wrote or '') or 0, time('full'), contents,
}
