--[[
  Spend one send of a phone that the caller did not name: he is told nothing, whatever comes of it.

  KEYS[1]  sends      KEYS[2]  ladder      KEYS[3]  wrong answers
  ARGV     clock offset ms, sends per hour, sends per day, cooldowns, message id, wrong per hour, wrong per day
  Returns  1 where the message may go, 0 where it must not
]]
--- @include "sends"
local now = clock(tonumber(ARGV[1]))
local perHour, perDay, cooldowns = tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
if nextSendAt(KEYS[1], KEYS[2], now, perHour, perDay, cooldowns) > now then return 0 end
if roomAt(KEYS[3], now, HOUR, tonumber(ARGV[6])) > now or roomAt(KEYS[3], now, DAY, tonumber(ARGV[7])) > now then return 0 end
recordSend(KEYS[1], KEYS[2], now, ARGV[5], cooldowns)
return 1
