--[[
  Take a challenge back that nobody was told of. Where its message never reached the queue its send is refunded, and its notice not given.

  KEYS[1]  challenge hash      KEYS[2]  sends      KEYS[3]  ladder      KEYS[4]  notice
  ARGV     message id, '1' where its message never reached the queue
]]
--- @include "endings"
if ARGV[2] == '1' then
  redis.call('ZREM', KEYS[2], ARGV[1])
  redis.call('ZREM', KEYS[3], ARGV[1])
  local told = redis.call('HGET', KEYS[1], 'told')
  if told and redis.call('GET', KEYS[4]) == told then redis.call('DEL', KEYS[4]) end
end
if redis.call('EXISTS', KEYS[1]) == 1 then bury(KEYS[1], 'cancelled') end
return 'OK'
