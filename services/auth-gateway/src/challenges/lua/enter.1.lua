--[[
  Make a challenge one of the three that an address leads to. It replaces what its client, or its registration, had there;
  a fourth replaces the oldest to which no SMS went, else the oldest.

  KEYS[1]  index of the address
  ARGV     clock offset ms, challenge id, client key, registration id or empty, '1' where its message goes out, expiresAt
  Returns  the ids it replaced, which are still to be ended
]]
--- @include "sends"
--- @include "endings"
--- @include "entries"
local now = clock(tonumber(ARGV[1]))
local kept, replaced = {}, {}
for _, entry in ipairs(readEntries(KEYS[1], now)) do
  local older = entry.client == ARGV[3] or (ARGV[4] ~= '' and entry.registrationId == ARGV[4])
  if older then table.insert(replaced, entry.id) else table.insert(kept, entry) end
end
if #kept >= MOST then
  local least = 1
  for at = #kept, 1, -1 do
    if not kept[at].sent then least = at end
  end
  table.insert(replaced, table.remove(kept, least).id)
end
table.insert(kept, { id = ARGV[2], client = ARGV[3], registrationId = ARGV[4], sent = ARGV[5] == '1', endsAt = tonumber(ARGV[6]) })
writeEntries(KEYS[1], kept, now)
return replaced
