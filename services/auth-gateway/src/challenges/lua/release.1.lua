--[[
  Give a claimed code back. Only its owner can: a lease that ran out may have passed to somebody else.

  KEYS[1]  challenge hash
  ARGV     owner token
]]
if redis.call('HGET', KEYS[1], 'claim') == ARGV[1] then redis.call('HDEL', KEYS[1], 'claim', 'claimUntil') end
return 'OK'
