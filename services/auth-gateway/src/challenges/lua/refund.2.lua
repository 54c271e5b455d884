--[[
  Give back a send that `spend` took.

  KEYS[1]  sends      KEYS[2]  ladder
  ARGV     message id
]]
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
return 'OK'
