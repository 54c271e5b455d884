--[[
  Judge one answer. The count moves before the compare; a right answer gets its count back and holds the code for a while.

  KEYS[1]  challenge hash      KEYS[2]  wrong answers of the subject: sorted set, answer id by time, over all purposes
  ARGV     clock offset ms, generation the MAC was made for, MAC, owner token, lease ms, wrong per hour, wrong per day
  Returns  {'gone'} | {'changed'} | {'held'} | {'limited', retryAt} | {'wrong', attemptsLeft} | {'claimed', lapsed: 1 or 0}
]]
--- @include "sends"
--- @include "endings"
local now = clock(tonumber(ARGV[1]))
local state, expiresAt, generation, mac, max, claimUntil, lapsed = unpack(redis.call('HMGET', KEYS[1],
  'state', 'expiresAt', 'generation', 'mac', 'attemptsMax', 'claimUntil', 'lapsed'))
if not live(state, expiresAt, now) then return { 'gone' } end
if generation ~= ARGV[2] then return { 'changed' } end
if claimUntil and tonumber(claimUntil) > now then return { 'held' } end

local openAt = math.max(roomAt(KEYS[2], now, HOUR, tonumber(ARGV[6])), roomAt(KEYS[2], now, DAY, tonumber(ARGV[7])))
if openAt > now then return { 'limited', openAt } end

local wrong = redis.call('HINCRBY', KEYS[1], 'wrong', 1)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - DAY)
redis.call('ZADD', KEYS[2], now, ARGV[4])
redis.call('PEXPIRE', KEYS[2], DAY)

if mac == ARGV[3] and wrong <= tonumber(max) then
  redis.call('HINCRBY', KEYS[1], 'wrong', -1)
  redis.call('ZREM', KEYS[2], ARGV[4])
  redis.call('HSET', KEYS[1], 'claim', ARGV[4], 'claimUntil', now + tonumber(ARGV[5]))
  -- Kept apart from the claim: a release takes back its own, and knows nothing of the one before.
  if claimUntil then redis.call('HSET', KEYS[1], 'lapsed', '1') end
  return { 'claimed', (claimUntil or lapsed) and 1 or 0 }
end
if wrong >= tonumber(max) then bury(KEYS[1], 'exhausted') end
return { 'wrong', math.max(0, tonumber(max) - wrong) }
