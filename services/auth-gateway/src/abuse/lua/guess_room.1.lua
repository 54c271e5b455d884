--[[
  Whether a network may guess once more, counting nothing.

  KEYS[1]  guesses: sorted set, guess id by time
  ARGV     clock offset ms, guesses per hour, guesses per day
  Returns  0 where it may, else when to come again
]]
--- @include "../../challenges/lua/sends"
local now = clock(tonumber(ARGV[1]))
local at = math.max(roomAt(KEYS[1], now, HOUR, tonumber(ARGV[2])), roomAt(KEYS[1], now, DAY, tonumber(ARGV[3])))
return at > now and at or 0
