--[[
  Take a resend back whose message never reached the queue: as if nobody had asked. Answers that were counted meanwhile stay.

  KEYS[1]  challenge hash      KEYS[2]  sends      KEYS[3]  ladder
  ARGV     message id, then fields and values of the hash as they were before
]]
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
local state, messageId = unpack(redis.call('HMGET', KEYS[1], 'state', 'messageId'))
if state == 'live' and messageId == ARGV[1] then redis.call('HSET', KEYS[1], unpack(ARGV, 2)) end
return 'OK'
