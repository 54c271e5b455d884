--[[
  Note that an SMS went to a challenge behind an address, and when its code ends now.

  KEYS[1]  index of the address
  ARGV     clock offset ms, challenge id, expiresAt
]]
--- @include "sends"
--- @include "endings"
--- @include "entries"
local now = clock(tonumber(ARGV[1]))
local entries = readEntries(KEYS[1], now)
for _, entry in ipairs(entries) do
  if entry.id == ARGV[2] then entry.sent, entry.endsAt = true, tonumber(ARGV[3]) end
end
writeEntries(KEYS[1], entries, now)
return 'OK'
