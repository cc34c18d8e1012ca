-- A person's word: approve, take back, skip or retry. `seen` is the token of what they looked
-- at: what has moved on since is for them to look at again. The raised token takes the event
-- away from whoever works on it. Returns 'ok', 'newer', 'changed', or the state that does not allow it.
local key = a.key
local state = get(key, 'state')
if not state then return 'unknown' end
if number(key, 'v') > a.version then return 'newer' end
if done_already(key) then return 'ok' end
local allowed = false
for _, from in ipairs(a.from) do allowed = allowed or from == state end
if not allowed then return state end
if a.seen and a.seen ~= number(key, 'token') then return 'changed' end
if a.needs_draft and (get(key, 'draft') or '') == '' and (a.fields.draft or '') == '' then
  return 'no_draft'
end
local refused = step(key, a.to, a.reason, a.by)
if refused then return refused end
mark_done(key)
redis.call('HDEL', ev(key), 'stumbles')
write(key, a.fields)
redis.call('HINCRBY', ev(key), 'token', 1)
plan(key, a.wakes and (a.after and now + a.after or 0) or nil)
let_go(key)
return 'ok'
