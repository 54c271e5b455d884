--[[
  Count a wrong answer for a phone that the caller did not name.

  KEYS[1]  wrong answers
  ARGV     clock offset ms, answer id
]]
--- @include "sends"
local now = clock(tonumber(ARGV[1]))
redis.call('ZADD', KEYS[1], now, ARGV[2])
redis.call('PEXPIRE', KEYS[1], DAY)
return 'OK'
