--[[
  Spend one send on a challenge: the same code while half of its life is left, else a new generation. Wrong answers stay.
  The first send of one that was opened unsent is no resend; a code that it repeats keeps its end too.

  KEYS[1]  challenge hash      KEYS[2]  sends      KEYS[3]  ladder      KEYS[4]  sends behind a name
  ARGV     clock offset ms, sends per hour, sends per day, cooldowns, generation the new code was made after,
           message id, new MAC, new box, 'repeat' | 'rotate', '1' where this message must not be sent
  Returns  {'gone'} | {'changed'} | {'held'} | {'cooling', retryAt} | {'spent', expiresAt} | {'resent'}
]]
--- @include "sends"
--- @include "endings"
local now = clock(tonumber(ARGV[1]))
local perHour, perDay, cooldowns = tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local state, expiresAt, lifeMs, generation, resends, max, claimUntil, unsent = unpack(redis.call('HMGET', KEYS[1],
  'state', 'expiresAt', 'lifeMs', 'generation', 'resends', 'resendsMax', 'claimUntil', 'unsent'))
if not live(state, expiresAt, now) then return { 'gone' } end
if generation ~= ARGV[5] then return { 'changed' } end
if claimUntil and tonumber(claimUntil) > now then return { 'held' } end

-- Before the count: inside the cooldown a lost job is added again and counts nothing, on the last resend too.
local sendAt = nextSendAt(KEYS[2], KEYS[3], now, perHour, perDay, cooldowns)
if sendAt > now then return { 'cooling', sendAt } end
if not unsent and tonumber(resends) >= tonumber(max) then return { 'spent', expiresAt } end

local quiet = ARGV[10] == '1' or sentAll(KEYS[2], KEYS[4], now, perHour, perDay, cooldowns)
recordSend(KEYS[2], KEYS[3], now, ARGV[6], cooldowns)
if unsent then redis.call('HDEL', KEYS[1], 'unsent') else redis.call('HINCRBY', KEYS[1], 'resends', 1) end
if ARGV[9] ~= 'repeat' or tonumber(expiresAt) - now < tonumber(lifeMs) / 2 then
  expiresAt = now + tonumber(lifeMs)
  redis.call('HSET', KEYS[1], 'generation', tonumber(generation) + 1, 'mac', ARGV[7], 'box', ARGV[8], 'expiresAt', expiresAt)
  keepUntilTombstoneEnds(KEYS[1], now, expiresAt)
end
local resendAt = math.max(now, nextSendAt(KEYS[2], KEYS[3], now, perHour, perDay, cooldowns))
redis.call('HSET', KEYS[1], 'messageId', ARGV[6], 'resendAt', resendAt)
if quiet then redis.call('HSET', KEYS[1], 'quiet', redis.call('HGET', KEYS[1], 'quiet') .. ',' .. ARGV[6]) end
return { 'resent' }
