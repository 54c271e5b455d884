--[[
  Spend one send of what a caller typed, for a decoy whose own keys stand elsewhere.

  KEYS[1]  sends      KEYS[2]  ladder
  ARGV     clock offset ms, sends per hour, sends per day, cooldowns, message id
  Returns  {'cooling', retryAt} | {'taken', resendAt}
]]
--- @include "sends"
local now = clock(tonumber(ARGV[1]))
local perHour, perDay, cooldowns = tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local sendAt = nextSendAt(KEYS[1], KEYS[2], now, perHour, perDay, cooldowns)
if sendAt > now then return { 'cooling', sendAt } end
recordSend(KEYS[1], KEYS[2], now, ARGV[5], cooldowns)
return { 'taken', math.max(now, nextSendAt(KEYS[1], KEYS[2], now, perHour, perDay, cooldowns)) }
