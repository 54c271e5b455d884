--[[
  Take a challenge back whose message never reached the queue: its send is refunded.

  KEYS[1]  challenge hash      KEYS[2]  sends      KEYS[3]  ladder
  ARGV     message id
]]
--- @include "endings"
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
if redis.call('EXISTS', KEYS[1]) == 1 then bury(KEYS[1], 'cancelled') end
return 'OK'
