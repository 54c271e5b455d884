--[[
  Take one message from the credit of a network, or give some back.

  KEYS[1]  credit: hash
  ARGV     clock offset ms, most that may go unanswered, messages: -1 to take one, else how many come back
  Returns  1, or 0 where none was left to take
]]
--- @include "../../challenges/lua/sends"
--- @include "credit"
local now = clock(tonumber(ARGV[1]))
local most = tonumber(ARGV[2])
local left = creditOf(KEYS[1], 'open', most, now) + tonumber(ARGV[3])
if left < 0 then return 0 end
keepCredit(KEYS[1], now, 'open', math.min(most, left))
return 1
