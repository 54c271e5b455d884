--[[
  Take one message from the credit of a range of numbers. A range whose credit is gone is cut until half of it is back: meanwhile only
  networks that have left nothing unanswered there are served, from a reserve that no answers but their own refill.

  KEYS[1]  credit: hash      KEYS[2]  messages that networks left unanswered here: hash      KEYS[3]  when they last asked: sorted set
  ARGV     clock offset ms, most that may go unanswered, most of the reserve, network ('' where it is not told)
  Returns  'open' | 'reserve' | 'cut'
]]
--- @include "../../challenges/lua/sends"
--- @include "credit"
local now = clock(tonumber(ARGV[1]))
local most, network = tonumber(ARGV[2]), ARGV[4]
local open = creditOf(KEYS[1], 'open', most, now)
local reserve = creditOf(KEYS[1], 'reserve', tonumber(ARGV[3]), now)
local wasCut = redis.call('HGET', KEYS[1], 'cut') == '1'
local cut = open < 1 or (wasCut and open < most / 2)
local last = tonumber(redis.call('ZSCORE', KEYS[3], network) or '0')
local clean = last <= now - DAY or tonumber(redis.call('HGET', KEYS[2], network) or '0') <= 0

local from = 'cut'
if not cut then
  from, open = 'open', open - 1
elseif clean and reserve >= 1 then
  from, reserve = 'reserve', reserve - 1
end
keepCredit(KEYS[1], now, 'open', open, 'reserve', reserve, 'cut', cut and '1' or '0')
if from == 'cut' or network == '' then return from end
for _, old in ipairs(redis.call('ZRANGE', KEYS[3], '-inf', now - DAY, 'BYSCORE')) do redis.call('HDEL', KEYS[2], old) end
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now - DAY)
redis.call('HINCRBY', KEYS[2], network, 1)
redis.call('ZADD', KEYS[3], now, network)
redis.call('PEXPIRE', KEYS[2], DAY)
redis.call('PEXPIRE', KEYS[3], DAY)
return from
