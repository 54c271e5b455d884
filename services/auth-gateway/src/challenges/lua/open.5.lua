--[[
  Spend one send and open a challenge, or do neither. One that may stay unsent is opened all the same, and spends nothing
  where there is nothing to spend.

  KEYS[1]  challenge hash      KEYS[2]  sends      KEYS[3]  ladder
  KEYS[4]  when this number was last told that somebody tried to sign up with it
  KEYS[5]  what went to it behind a name
  ARGV     clock offset ms, sends per hour, sends per day, cooldowns, life ms, message id,
           '1' where the message is the notice, '1' where it may stay unsent, then fields and values of the hash
  Returns  {'cooling', retryAt} | {'opened', openedAt, expiresAt, resendAt, 1 where the message may go, else 0}
]]
--- @include "sends"
--- @include "endings"
local now = clock(tonumber(ARGV[1]))
local perHour, perDay, cooldowns = tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]

local sendAt = nextSendAt(KEYS[2], KEYS[3], now, perHour, perDay, cooldowns)
local sent = sendAt <= now
if not sent and ARGV[8] ~= '1' then return { 'cooling', sendAt } end

local quiet = sent and sentAll(KEYS[2], KEYS[5], now, perHour, perDay, cooldowns)
if sent then recordSend(KEYS[2], KEYS[3], now, ARGV[6], cooldowns) end
local expiresAt = now + tonumber(ARGV[5])
local resendAt = math.max(now, nextSendAt(KEYS[2], KEYS[3], now, perHour, perDay, cooldowns))
redis.call('HSET', KEYS[1], 'state', 'live', 'openedAt', now, 'expiresAt', expiresAt, 'resendAt', resendAt, unpack(ARGV, 9))
if not sent then redis.call('HSET', KEYS[1], 'unsent', '1') end
keepUntilTombstoneEnds(KEYS[1], now, expiresAt)

-- The owner of a number is told once a day; what else is sent to it for the asking stays quiet.
if quiet then
  redis.call('HSET', KEYS[1], 'quiet', ARGV[6])
elseif sent and ARGV[7] == '1' then
  if tonumber(redis.call('GET', KEYS[4]) or '0') <= now - DAY then
    redis.call('SET', KEYS[4], now, 'PX', DAY)
    redis.call('HSET', KEYS[1], 'told', redis.call('GET', KEYS[4]))
  else
    redis.call('HSET', KEYS[1], 'quiet', ARGV[6])
  end
end
return { 'opened', now, expiresAt, resendAt, sent and 1 or 0 }
