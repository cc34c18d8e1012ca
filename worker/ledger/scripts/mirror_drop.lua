-- Erases conversations.
for _, thread in ipairs(a.threads) do drop(thread) end
return 'ok'
