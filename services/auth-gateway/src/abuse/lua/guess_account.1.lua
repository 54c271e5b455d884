--[[
  Count a guess at the password of one account before it is made. Past the free ones of a day each waits longer after the last.

  KEYS[1]  guesses: sorted set, guess id by time
  ARGV     clock offset ms, guess id, free guesses, waits in ms, comma-separated; the last one repeats
  Returns  0 where it was counted, else when to come again
]]
--- @include "../../challenges/lua/sends"
local now = clock(tonumber(ARGV[1]))
local over = redis.call('ZCOUNT', KEYS[1], '(' .. now - DAY, '+inf') - tonumber(ARGV[3])
if over >= 0 then
  local step, at = 0, 0
  local last = tonumber(redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2])
  for wait in string.gmatch(ARGV[4], '%d+') do
    if step <= over then at = last + tonumber(wait) end
    step = step + 1
  end
  if at > now then return at end
end
redis.call('ZADD', KEYS[1], now, ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - DAY)
redis.call('PEXPIRE', KEYS[1], DAY)
return 0
