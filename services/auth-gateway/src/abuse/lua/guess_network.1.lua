--[[
  Count a guess for the network it comes from before it is made, whatever it is at.

  KEYS[1]  guesses: sorted set, guess id by time
  ARGV     clock offset ms, guess id, guesses per hour, guesses per day
  Returns  0 where it was counted, else when to come again
]]
--- @include "../../challenges/lua/sends"
local now = clock(tonumber(ARGV[1]))
local at = math.max(roomAt(KEYS[1], now, HOUR, tonumber(ARGV[3])), roomAt(KEYS[1], now, DAY, tonumber(ARGV[4])))
if at > now then return at end
redis.call('ZADD', KEYS[1], now, ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - DAY)
redis.call('PEXPIRE', KEYS[1], DAY)
return 0
