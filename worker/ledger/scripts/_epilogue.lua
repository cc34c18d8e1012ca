-- Stands after every script, which is wrapped into `script`.
local answer = script()
for key in pairs(changed) do
  if exists(key) then list(key) end
end
return answer
