--[[
  Take one message from the credit of an address and of the subnet around it, or of neither; or give some back to both.

  KEYS[1]  credit of the address: hash      KEYS[2]  credit of the subnet: hash
  ARGV     clock offset ms, most that may go unanswered of the address, of the subnet, messages: -1 to take one, else how many come back
  Returns  0, or where none was left: 1 of the address, 2 of the subnet, 3 of both
]]
--- @include "../../challenges/lua/sends"
--- @include "credit"
local now = clock(tonumber(ARGV[1]))
local spent, left, most = 0, {}, { tonumber(ARGV[2]), tonumber(ARGV[3]) }
for at, key in ipairs(KEYS) do
  left[at] = math.min(most[at], creditOf(key, 'open', most[at], now) + tonumber(ARGV[4]))
  if left[at] < 0 then spent = spent + at end
end
if spent > 0 then return spent end
for at, key in ipairs(KEYS) do keepCredit(key, now, 'open', left[at]) end
return 0
