--[[
  Give messages back to the credit of a range: they were answered, or not sent after all. Whoever answers adds to the credit besides, once a
  day: a range in which people answer is never cut, however busy it is. While it is cut, what comes back to the reserve opens it for nobody else.

  KEYS[1]  credit: hash      KEYS[2]  messages that networks left unanswered here: hash      KEYS[3]  when they last asked: sorted set
  KEYS[4]  who answered, by time: sorted set
  ARGV     clock offset ms, most that may go unanswered, most of the reserve, 'open' | 'reserve', messages, network ('' where it is not
           told), who answered ('' where nobody did), what an answer adds
]]
--- @include "../../challenges/lua/sends"
--- @include "credit"
local now = clock(tonumber(ARGV[1]))
local most, reserveMost, from, messages = tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5])
local network, person = ARGV[6], ARGV[7]
local open = creditOf(KEYS[1], 'open', most, now)
local reserve = creditOf(KEYS[1], 'reserve', reserveMost, now)
local added = 0
if person ~= '' then
  redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', now - DAY)
  if redis.call('ZADD', KEYS[4], 'NX', now, person) == 1 then added = tonumber(ARGV[8]) end
  redis.call('PEXPIRE', KEYS[4], DAY)
end
if from == 'open' then
  open = math.min(most, open + messages + added)
else
  reserve = math.min(reserveMost, reserve + messages)
end
keepCredit(KEYS[1], now, 'open', open, 'reserve', reserve)
if network ~= '' and redis.call('HEXISTS', KEYS[2], network) == 1 and redis.call('HINCRBY', KEYS[2], network, -messages) <= 0 then
  redis.call('HDEL', KEYS[2], network)
  redis.call('ZREM', KEYS[3], network)
end
return 'OK'
