--[[
  Spend one send of a phone that the caller did not name: he is told nothing, whatever comes of it. It is written beside what was sent
  to the phone by its number, and held to both together: who names the phone must not see that a name was asked for.

  KEYS[1]  sends behind a name      KEYS[2]  ladder behind it      KEYS[3]  wrong answers behind it
  KEYS[4]  sends of the phone       KEYS[5]  its ladder            KEYS[6]  its wrong answers
  ARGV     clock offset ms, sends per hour, sends per day, cooldowns, message id, wrong per hour, wrong per day
  Returns  1 where the message may go, 0 where it must not
]]
--- @include "sends"
local now = clock(tonumber(ARGV[1]))
local perHour, perDay, cooldowns = tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
if nextSendAt(KEYS[1], KEYS[2], now, perHour, perDay, cooldowns) > now then return 0 end
if nextSendAt(KEYS[4], KEYS[5], now, perHour, perDay, cooldowns) > now then return 0 end
if sentAll(KEYS[4], KEYS[1], now, perHour, perDay, cooldowns) then return 0 end
local wrongPerHour, wrongPerDay = tonumber(ARGV[6]), tonumber(ARGV[7])
if spentInAll(KEYS[3], KEYS[6], now, HOUR, wrongPerHour) or spentInAll(KEYS[3], KEYS[6], now, DAY, wrongPerDay) then return 0 end
recordSend(KEYS[1], KEYS[2], now, ARGV[5], cooldowns)
return 1
