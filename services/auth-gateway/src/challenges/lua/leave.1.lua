--[[
  Take a challenge that has ended from its address.

  KEYS[1]  index of the address
  ARGV     clock offset ms, challenge id
]]
--- @include "sends"
--- @include "endings"
--- @include "entries"
local now = clock(tonumber(ARGV[1]))
local kept = {}
for _, entry in ipairs(readEntries(KEYS[1], now)) do
  if entry.id ~= ARGV[2] then table.insert(kept, entry) end
end
writeEntries(KEYS[1], kept, now)
return 'OK'
