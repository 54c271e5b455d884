--[[
  Whether wrong answers are still compared for somebody, beside a challenge whose own keys stand elsewhere.

  KEYS[1]  wrong answers
  ARGV     clock offset ms, wrong per hour, wrong per day
  Returns  0 where they are, else when again
]]
--- @include "sends"
local now = clock(tonumber(ARGV[1]))
local openAt = math.max(roomAt(KEYS[1], now, HOUR, tonumber(ARGV[2])), roomAt(KEYS[1], now, DAY, tonumber(ARGV[3])))
return openAt > now and openAt or 0
