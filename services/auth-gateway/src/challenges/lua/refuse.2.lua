--[[
  Count a right answer as a wrong one: what has to come with the code did not. The code is given back, unless this was the last try.
  Asks for no claim: whoever took the code over meanwhile changes nothing about the guess that was made.

  KEYS[1]  challenge hash      KEYS[2]  wrong answers of the subject
  ARGV     clock offset ms, owner token
  Returns  how many answers are left
]]
--- @include "sends"
--- @include "endings"
local now = clock(tonumber(ARGV[1]))
redis.call('ZADD', KEYS[2], now, ARGV[2])
redis.call('PEXPIRE', KEYS[2], DAY)
local state, max, claim = unpack(redis.call('HMGET', KEYS[1], 'state', 'attemptsMax', 'claim'))
if state ~= 'live' then return 0 end
local wrong = redis.call('HINCRBY', KEYS[1], 'wrong', 1)
if claim == ARGV[2] then redis.call('HDEL', KEYS[1], 'claim', 'claimUntil') end
if wrong >= tonumber(max) then bury(KEYS[1], 'exhausted') end
return math.max(0, tonumber(max) - wrong)
