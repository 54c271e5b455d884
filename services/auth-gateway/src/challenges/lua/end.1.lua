--[[
  End a challenge that somebody could still answer.

  KEYS[1]  challenge hash
  ARGV     the state it ends in
]]
--- @include "endings"
local state = redis.call('HGET', KEYS[1], 'state')
if state == 'live' or state == 'exhausted' then bury(KEYS[1], ARGV[1]) end
return 'OK'
