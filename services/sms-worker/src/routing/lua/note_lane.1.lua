--[[
  Write down the lane of the last send, if the challenge still exists: a key made here would never go away.

  KEYS[1]  challenge hash
  ARGV[1]  lane
  Returns  1 where it was written, else 0
]]
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], 'lane', ARGV[1])
return 1
